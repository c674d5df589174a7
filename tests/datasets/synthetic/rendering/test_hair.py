import numpy as np
import pytest

from datasets.synthetic.rendering.canvas import SUPERSAMPLING, Canvas, View
from datasets.synthetic.rendering.hair import draw_hair, draw_rear_hair
from datasets.synthetic.rendering.identity import HAIR_STYLES, Identity

VIEW = View(width=100, height=140, x=50, y=50, scale=25)
BACKGROUND = 200


def _make_canvas() -> Canvas:
    shape = (VIEW.height * SUPERSAMPLING, VIEW.width * SUPERSAMPLING)
    pixels = np.full((*shape, 3), BACKGROUND, np.uint8)
    return Canvas(view=VIEW, pixels=pixels, light=np.ones(shape, np.float32))


def _find_painted_rows(canvas: Canvas) -> np.ndarray:
    """Return the y coordinates, in face units, of the rows with hair."""
    rows = np.flatnonzero((canvas.pixels != BACKGROUND).any(axis=(1, 2)))
    return (rows / SUPERSAMPLING - VIEW.y) / VIEW.scale


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_hair_covers_the_crown_and_not_the_eyes(style: str) -> None:
    canvas = _make_canvas()
    draw_hair(canvas, Identity(hair_style=style), np.random.default_rng(0))
    middle_column = canvas.pixels[:, int(VIEW.x) * SUPERSAMPLING, 0]
    crown_row, eye_row = ((VIEW.y + y * VIEW.scale) * SUPERSAMPLING for y in (-1.15, 0.0))
    assert middle_column[int(crown_row)] < BACKGROUND / 2
    assert middle_column[int(eye_row)] == BACKGROUND


def test_volume_raises_the_crown() -> None:
    tops = []
    for volume in (0.1, 0.3):
        canvas = _make_canvas()
        draw_hair(canvas, Identity(hair_volume=volume), np.random.default_rng(0))
        tops.append(_find_painted_rows(canvas).min())
    assert tops[0] - tops[1] == pytest.approx(0.2, abs=0.05)


def test_same_generator_draws_the_same_strands() -> None:
    canvases = [_make_canvas() for _ in range(3)]
    for canvas, seed in zip(canvases, (0, 0, 1), strict=True):
        draw_hair(canvas, Identity(), np.random.default_rng(seed))
    first, second, other = (canvas.pixels for canvas in canvases)
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_rear_hair_reaches_below_the_chin_on_both_sides() -> None:
    canvas = _make_canvas()
    draw_rear_hair(canvas, Identity())
    assert _find_painted_rows(canvas).max() > 2
    painted = (canvas.pixels != BACKGROUND).any(axis=2)
    left, right = np.array_split(painted, 2, axis=1)
    assert left.sum() == pytest.approx(right.sum(), rel=0.02)
