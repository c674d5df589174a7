import cv2
import numpy as np
import pytest

from datasets.synthetic.rendering.action_units import EMOTION_ACTION_UNITS
from datasets.synthetic.rendering.canvas import SUPERSAMPLING, View
from datasets.synthetic.rendering.face import CameraParams, RenderedHead, draw_face, render_frame, render_head
from datasets.synthetic.rendering.identity import Identity, sample_identity

VIEW = View(width=140, height=170, x=70, y=68, scale=58)


@pytest.fixture(scope="module")
def head() -> RenderedHead:
    return render_head(Identity(), VIEW)


def measure_change(head: RenderedHead, units: str, intensity: float = 1.0) -> tuple[float, np.int64]:
    """Return the weighted mean row of the pixels that an expression changes, in face units, and their sum."""
    rest = draw_face(head, "4", intensity=0.0).pixels.astype(int)
    moved = draw_face(head, units, intensity=intensity).pixels.astype(int)
    change = np.abs(moved - rest).sum(axis=(1, 2))
    rows = (np.arange(len(change)) / SUPERSAMPLING - VIEW.y) / VIEW.scale
    return (rows * change).sum() / change.sum(), change.sum()


def test_image_has_the_size_of_the_view(head: RenderedHead, rng: np.random.Generator) -> None:
    image = render_frame(draw_face(head, "12", intensity=1.0), CameraParams(), rng)
    assert image.shape == (170, 140, 3)
    assert image.dtype == np.uint8


def test_no_intensity_draws_the_same_face_whatever_the_units(head: RenderedHead) -> None:
    smile, frown = (draw_face(head, units, intensity=0.0).pixels for units in ("12", "4+L10"))
    np.testing.assert_array_equal(smile, frown)


def test_drawing_a_face_does_not_change_the_head(head: RenderedHead) -> None:
    before = head.canvas.pixels.copy()
    draw_face(head, "12", intensity=1.0)
    np.testing.assert_array_equal(head.canvas.pixels, before)


def test_brows_move_above_the_eyes_and_lip_corners_below_the_nose(head: RenderedHead) -> None:
    assert measure_change(head, "1+2")[0] < -0.15
    assert measure_change(head, "15")[0] > 0.7


def test_more_intensity_changes_more(head: RenderedHead) -> None:
    weak, clear, strong = (measure_change(head, "6+12", by)[1] for by in (0.2, 1.0, 2.0))
    assert weak < clear < strong


def test_left_side_of_the_person_is_right_in_the_image(head: RenderedHead) -> None:
    rest = draw_face(head, "4", intensity=0.0).pixels.astype(int)
    change = np.abs(draw_face(head, "L2", intensity=1.0).pixels - rest).sum(axis=(0, 2))
    middle = VIEW.width * SUPERSAMPLING // 2
    assert change[: middle - 4].sum() == 0
    assert change[middle + 4 :].sum() > 0


def test_every_expression_of_every_emotion_looks_different(head: RenderedHead) -> None:
    small = [
        cv2.resize(draw_face(head, units, intensity=1.0).pixels, (48, 48), interpolation=cv2.INTER_AREA)
        for variants in EMOTION_ACTION_UNITS.values()
        for units in variants
    ]
    gaps = [np.abs(a.astype(int) - b).max() for i, a in enumerate(small) for b in small[:i]]
    assert min(gaps) >= 5


@pytest.mark.parametrize("intensity", [0.5, 4.0])
def test_unusual_faces_render_at_any_intensity(intensity: float) -> None:
    for seed in range(6):
        person = sample_identity((seed,), spread=2.0)
        face = draw_face(render_head(person, VIEW), "1+2+5+26", intensity=intensity)
        assert 20 < face.pixels.mean() < 235


def test_two_renderings_of_a_face_are_similar_but_not_equal(
    head: RenderedHead, rng: np.random.Generator
) -> None:
    face = draw_face(head, "12", intensity=0.5)
    one, two = (render_frame(face, CameraParams(), rng).astype(int) for _ in range(2))
    assert 0 < np.abs(one - two).mean() < 3


def test_gain_brightens_and_sway_shifts(head: RenderedHead, rng: np.random.Generator) -> None:
    face = draw_face(head, "12", intensity=0.5)
    still = render_frame(face, CameraParams(noise=0), rng).astype(float)
    bright = render_frame(face, CameraParams(noise=0, gain=1.1), rng).astype(float)
    moved = render_frame(face, CameraParams(noise=0, shift=(1.0, 2.0)), rng).astype(float)
    assert bright.mean() == pytest.approx(1.1 * still.mean(), rel=0.01)
    np.testing.assert_allclose(moved[2:, 1:], still[:-2, :-1], atol=1)


@pytest.mark.parametrize("seed", range(3))
def test_haar_cascade_detects_the_face(seed: int, rng: np.random.Generator) -> None:
    view = View(width=320, height=240, x=160, y=100, scale=44)
    image = render_frame(
        draw_face(render_head(sample_identity((seed,)), view), "12", intensity=0.5), CameraParams(), rng
    )
    folder: str = cv2.data.haarcascades  # type: ignore[attr-defined]
    cascade = cv2.CascadeClassifier(folder + "haarcascade_frontalface_default.xml")
    boxes = cascade.detectMultiScale(image, scaleFactor=1.1, minNeighbors=5, minSize=(48, 48))
    assert len(boxes) == 1
    x, y, width, height = boxes[0]
    assert (x + width / 2, y + height / 2) == pytest.approx((160, 110), abs=15)
