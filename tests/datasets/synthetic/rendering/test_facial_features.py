from dataclasses import replace

import numpy as np
import pytest

from datasets.synthetic.rendering.action_units import FaceMotion
from datasets.synthetic.rendering.canvas import SUPERSAMPLING, Canvas, View
from datasets.synthetic.rendering.facial_features import draw_features
from datasets.synthetic.rendering.identity import Identity

VIEW = View(width=120, height=140, x=60, y=50, scale=50)
NEUTRAL = FaceMotion()
PERSON = Identity()


def _draw(
    motion: FaceMotion = NEUTRAL, *, right: FaceMotion | None = None, person: Identity = PERSON
) -> np.ndarray:
    """Return the image of the features as integers; `right` is the motion of the image's right half."""
    shape = (VIEW.height * SUPERSAMPLING, VIEW.width * SUPERSAMPLING)
    pixels = np.full((*shape, 3), 180, np.uint8)
    canvas = Canvas(view=VIEW, pixels=pixels, light=np.ones(shape, np.float32))
    draw_features(canvas, person, ((-1, motion), (1, motion if right is None else right)))
    return canvas.pixels.astype(int)


def _find_center(change: np.ndarray) -> tuple[float, float]:
    """Return the weighted mean x and y, in face units, of a change of the image."""
    rows, columns = np.indices(change.shape)
    x, y = (
        float(((axis / SUPERSAMPLING - origin) / VIEW.scale * change).sum() / change.sum())
        for axis, origin in ((columns, VIEW.x), (rows, VIEW.y))
    )
    return x, y


def test_neutral_features_are_symmetric() -> None:
    pixels = _draw()
    difference = np.abs(pixels - pixels[:, ::-1]).sum(axis=2)
    # Only the highlights of the eyes lie on the same side of both.
    assert (difference > 60).mean() < 0.01


@pytest.mark.parametrize(
    ("motion", "top", "bottom"),
    [
        (FaceMotion(brow_inner=0.1, brow_outer=0.1), -0.7, -0.15),
        (FaceMotion(lid_upper=0.4), -0.25, 0.1),
        (FaceMotion(nose=1.0), 0.0, 0.8),
        (FaceMotion(chin=1.0), 0.9, 1.5),
        (FaceMotion(mouth_open=0.1), 0.85, 1.2),
    ],
)
def test_motion_changes_its_own_region(motion: FaceMotion, top: float, bottom: float) -> None:
    change = np.abs(_draw(motion) - _draw()).sum(axis=2)
    x, y = _find_center(change)
    assert x == pytest.approx(0, abs=0.03)
    assert top < y < bottom


def test_motion_of_one_side_leaves_the_other_side_unchanged() -> None:
    change = np.abs(_draw(NEUTRAL, right=FaceMotion(brow_outer=0.1)) - _draw()).sum(axis=(0, 2))
    left, right = np.array_split(change, 2)
    # The soft edge of the central creases crosses the middle by two columns.
    assert left[:-2].sum() == 0
    assert right.sum() > 0


def test_glasses_change_the_area_around_the_eyes() -> None:
    change = np.abs(_draw(person=replace(PERSON, has_glasses=True)) - _draw()).sum(axis=2)
    x, y = _find_center(change)
    assert (x, y) == pytest.approx((0, 0), abs=0.06)


def test_fringe_hides_the_creases_of_the_forehead() -> None:
    def count_changed_rows(style: str) -> int:
        person = replace(PERSON, hair_style=style)
        lifted = _draw(FaceMotion(brow_inner=0.1, brow_outer=0.1), person=person)
        forehead = slice(0, int((VIEW.y - 0.55 * VIEW.scale) * SUPERSAMPLING))
        return int((lifted != _draw(person=person))[forehead].any(axis=(1, 2)).sum())

    assert count_changed_rows("fringe") == 0
    assert count_changed_rows("short") > 0
