import numpy as np
import pytest

from datasets.synthetic.rendering.canvas import (
    SUPERSAMPLING,
    Canvas,
    View,
    make_ellipse,
    redden,
    scale_brightness,
    smooth,
)

SQUARE = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])


@pytest.fixture
def canvas() -> Canvas:
    view = View(width=40, height=30, x=20, y=15, scale=10)
    shape = (30 * SUPERSAMPLING, 40 * SUPERSAMPLING)
    return Canvas(
        view=view, pixels=np.full((*shape, 3), 200, np.uint8), light=np.full(shape, 0.5, np.float32)
    )


def test_view_translates_scales_and_rotates() -> None:
    matrix = View(width=40, height=30, x=20, y=15, scale=10, roll=np.pi / 2).affine_matrix()
    np.testing.assert_allclose(matrix @ (0, 0, 1), (40, 30))
    np.testing.assert_allclose(matrix @ (1, 0, 1), (40, 30 + 10 * SUPERSAMPLING))


def test_grid_is_the_inverse_of_the_view() -> None:
    view = View(width=40, height=30, x=20, y=15, scale=10, roll=0.1)
    x, y = view.coordinate_grid(4)
    assert x.shape == y.shape == (15, 20)
    # The square in row 3, column 5 spans canvas pixels 12 to 15 and 20 to 23.
    np.testing.assert_allclose(view.affine_matrix() @ (x[3, 5], y[3, 5], 1), (21.5, 13.5), atol=1e-4)


def test_paint_covers_only_the_polygon(canvas: Canvas) -> None:
    canvas.fill_polygon(SQUARE, (100, 60, 20), edge_blur=0)
    assert canvas.pixels[30, 40].tolist() == [50, 30, 10]
    assert canvas.pixels[5, 5].tolist() == [200, 200, 200]
    # A hard edge is anti-aliased over no more than two canvas pixels on each side.
    painted = (canvas.pixels != 200).any(axis=2).sum()
    assert (10 * SUPERSAMPLING) ** 2 <= painted <= (10 * SUPERSAMPLING + 4) ** 2


def test_opacity_blends_paint_with_the_canvas(canvas: Canvas) -> None:
    canvas.fill_polygon(SQUARE, (100, 100, 100), edge_blur=0, opacity=0.5)
    assert canvas.pixels[30, 40].tolist() == pytest.approx([125] * 3, abs=1)


def test_clip_polygon_limits_paint(canvas: Canvas) -> None:
    canvas.fill_polygon(SQUARE, (0, 0, 0), edge_blur=0, clip_polygon=SQUARE + np.array((0.5, 0)))
    assert canvas.pixels[30, 33].tolist() == [200] * 3
    assert canvas.pixels[30, 47].tolist() == [0] * 3


def test_soft_edge_reaches_beyond_a_hard_one(canvas: Canvas) -> None:
    hard = canvas.copy()
    hard.fill_polygon(SQUARE, (0, 0, 0), edge_blur=0)
    canvas.fill_polygon(SQUARE, (0, 0, 0), edge_blur=0.2)
    assert hard.pixels[30, 54, 0] == 200
    assert 0 < canvas.pixels[30, 54, 0] < 200


def test_paint_outside_the_canvas_changes_nothing(canvas: Canvas) -> None:
    canvas.fill_polygon(SQUARE + 50, (0, 0, 0))
    assert (canvas.pixels == 200).all()


def test_paint_on_a_copy_leaves_the_original(canvas: Canvas) -> None:
    canvas.copy().fill_polygon(SQUARE, (0, 0, 0))
    assert (canvas.pixels == 200).all()


def test_stroke_is_widest_in_its_middle(canvas: Canvas) -> None:
    line = np.stack([np.linspace(-1.5, 1.5, 31), np.zeros(31)], axis=1)
    canvas.draw_stroke(line, (0, 0, 0), width=1.0, edge_blur=0)
    widths = (canvas.pixels[..., 0] < 100).sum(axis=0)
    assert widths[40] == pytest.approx(10 * SUPERSAMPLING, abs=2)
    assert 0 < widths[16] < widths[40] / 2


@pytest.mark.parametrize(("strength", "expected"), [(0.5, 100), (0.0, 200), (-0.5, 164)])
def test_shade_darkens_brightens_or_leaves(canvas: Canvas, strength: float, expected: int) -> None:
    line = np.stack([np.linspace(-1, 1, 21), np.zeros(21)], axis=1)
    canvas.shade_line(line, strength, width=1.0, edge_blur=0)
    # Bright is half of 200 and half of white under a light of 0.5.
    assert canvas.pixels[30, 40, 0] == pytest.approx(expected, abs=1)


def test_corner_cutting_keeps_an_open_lines_ends_and_cuts_its_corner() -> None:
    line = smooth(np.array([(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)]), closed=False)
    assert line[0].tolist() == [0, 0]
    assert line[-1].tolist() == [2, 0]
    # The first cut leaves an edge at 3/4 of the corner's height, and no later cut reaches its middle.
    assert line[:, 1].max() == pytest.approx(0.75)
    assert len(line) > 8


def test_corner_cutting_of_a_polygon_keeps_its_centre() -> None:
    assert smooth(SQUARE, closed=True).mean(axis=0) == pytest.approx((0, 0))
    assert np.abs(smooth(SQUARE, closed=True)).sum(axis=1).max() < 0.8


def test_every_point_of_an_ellipse_satisfies_its_equation() -> None:
    points = make_ellipse(1.0, 2.0, rx=3.0, ry=0.5)
    np.testing.assert_allclose(((points - (1, 2)) / (3, 0.5)) ** 2 @ (1, 1), 1)


def test_colour_conversion() -> None:
    assert scale_brightness((10, 20, 30), 0.5) == (5, 10, 15)
    assert redden((50, 50, 250), 20) == (38, 38, 255)
