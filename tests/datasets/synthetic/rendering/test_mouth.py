import numpy as np
import pytest

from datasets.synthetic.rendering.action_units import FaceMotion
from datasets.synthetic.rendering.canvas import SUPERSAMPLING, Canvas, View
from datasets.synthetic.rendering.identity import Identity
from datasets.synthetic.rendering.mouth import draw_mouth

VIEW = View(width=120, height=120, x=60, y=20, scale=50)
BACKGROUND = 200
NEUTRAL = FaceMotion()


def _draw(left: FaceMotion, right: FaceMotion) -> np.ndarray:
    shape = (VIEW.height * SUPERSAMPLING, VIEW.width * SUPERSAMPLING)
    pixels = np.full((*shape, 3), BACKGROUND, np.uint8)
    canvas = Canvas(view=VIEW, pixels=pixels, light=np.ones(shape, np.float32))
    draw_mouth(canvas, Identity(), ((-1, left), (1, right)))
    return canvas.pixels


def _measure_extent(pixels: np.ndarray) -> tuple[float, float]:
    """Return the width and height, in face units, of the area that the mouth changed."""
    rows, columns = np.nonzero((np.abs(pixels.astype(int) - BACKGROUND) > 20).any(axis=2))
    width, height = (float(np.ptp(axis)) / SUPERSAMPLING / VIEW.scale for axis in (columns, rows))
    return width, height


def test_neutral_mouth_is_symmetric_and_as_wide_as_the_person() -> None:
    pixels = _draw(NEUTRAL, NEUTRAL).astype(int)
    assert np.abs(pixels - pixels[:, ::-1]).mean() < 1
    # The shaded corners add 0.03 on each side, and their edges are soft.
    assert _measure_extent(pixels)[0] == pytest.approx(2 * (Identity().mouth_width + 0.03), abs=0.04)


def test_open_mouth_is_higher_and_shows_a_dark_opening() -> None:
    neutral, opened = _draw(NEUTRAL, NEUTRAL), _draw(*[FaceMotion(mouth_open=0.2)] * 2)
    assert _measure_extent(opened)[1] > _measure_extent(neutral)[1] + 0.1
    assert opened.sum(axis=2).min() < neutral.sum(axis=2).min()


def test_stretched_corners_widen_the_mouth() -> None:
    neutral, stretched = _draw(NEUTRAL, NEUTRAL), _draw(*[FaceMotion(corner_out=0.1)] * 2)
    assert _measure_extent(stretched)[0] - _measure_extent(neutral)[0] == pytest.approx(0.2, abs=0.04)


def test_pressed_lips_are_thinner() -> None:
    neutral, pressed = _draw(NEUTRAL, NEUTRAL), _draw(*[FaceMotion(press=1.0)] * 2)
    assert _measure_extent(pressed)[1] < _measure_extent(neutral)[1]


def test_corner_moves_with_its_own_side() -> None:
    neutral, lifted = _draw(NEUTRAL, NEUTRAL), _draw(FaceMotion(corner_up=0.1), NEUTRAL)
    change = np.abs(lifted.astype(int) - neutral).sum(axis=(0, 2))
    left, right = np.array_split(change, 2)
    assert left.sum() > 10 * right.sum()
