import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.synthetic.rendering.canvas import SUPERSAMPLING, Canvas, View
from datasets.synthetic.rendering.hair import draw_hair
from datasets.synthetic.rendering.head import compute_face_outline, draw_head
from datasets.synthetic.rendering.identity import HAIR_STYLES, Identity

VIEW = View(width=160, height=160, x=80, y=70, scale=30)


def sample_colour(canvas: Canvas, x: float, y: float) -> NDArray[np.float64]:
    """Return the colour at a point in face units, averaged over a few pixels."""
    column, row = (int(SUPERSAMPLING * (origin + VIEW.scale * by)) for origin, by in ((80, x), (70, y)))
    pixels = canvas.pixels[row - 2 : row + 3, column - 2 : column + 3].reshape(-1, 3)
    return np.asarray(pixels.mean(axis=0), dtype=np.float64)


def test_outline_is_as_wide_and_long_as_the_person() -> None:
    plain, wide = (
        compute_face_outline(Identity()),
        compute_face_outline(Identity(face_width=1.1, face_length=1.2)),
    )
    assert np.ptp(wide[:, 0]) == pytest.approx(1.1 * np.ptp(plain[:, 0]))
    assert wide[:, 1].max() == pytest.approx(1.2 * plain[:, 1].max())
    np.testing.assert_allclose(plain[:, 0].sum(), 0, atol=1e-9)


def test_wall_skin_hair_and_shirt_have_their_colours() -> None:
    person = Identity()
    canvas = draw_head(person, VIEW)
    np.testing.assert_allclose(sample_colour(canvas, -2.2, 0.0), person.wall_color, atol=30)
    cheek, sky = sample_colour(canvas, 0.5, 0.5), sample_colour(canvas, 0.0, -1.2)
    assert cheek[2] > cheek[1] > cheek[0]
    assert sky.max() < 80
    np.testing.assert_allclose(sample_colour(canvas, 0.0, 2.8), person.shirt_color, atol=15)


def test_side_of_the_lamp_is_brighter() -> None:
    canvas = draw_head(Identity(light_side=0.8), VIEW)
    assert sample_colour(canvas, 0.6, 0.5).sum() > sample_colour(canvas, -0.6, 0.5).sum() + 60


def test_eye_sockets_are_darker_than_cheeks_and_the_bridge() -> None:
    canvas = draw_head(Identity(), VIEW)
    socket = sample_colour(canvas, 0.43, -0.07).sum()
    assert sample_colour(canvas, 0.54, 0.42).sum() > socket + 60
    assert sample_colour(canvas, 0.0, 0.1).sum() > socket + 40


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_hair_styles_leave_the_light_unchanged(style: str) -> None:
    person = Identity(hair_style=style)
    canvas = draw_head(Identity(), VIEW)
    light, before = canvas.light.copy(), canvas.pixels.copy()
    draw_hair(canvas, person, np.random.default_rng(0))
    np.testing.assert_array_equal(canvas.light, light)
    assert (canvas.pixels != before).any()


def test_long_hair_covers_the_side_of_the_neck() -> None:
    short, long = (draw_head(Identity(hair_style=style), VIEW) for style in ("short", "long"))
    assert sample_colour(long, 0.9, 1.8).sum() < sample_colour(short, 0.9, 1.8).sum() - 200
