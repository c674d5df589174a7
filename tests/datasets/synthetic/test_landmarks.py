import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.synthetic.landmarks import compute_landmarks
from datasets.synthetic.rendering.canvas import View
from datasets.synthetic.rendering.identity import Identity, sample_identity

VIEW = View(width=640, height=490, x=320, y=200, scale=80)


def points(
    units: str = "12", intensity: float = 0.0, person: Identity | None = None, view: View = VIEW
) -> NDArray[np.float64]:
    return compute_landmarks(person or Identity(), view, action_units=units, intensity=intensity)


def test_68_points_are_inside_the_image() -> None:
    for seed in range(4):
        landmarks = points("1+2+5+26", 2.0, sample_identity((seed,)))
        assert landmarks.shape == (68, 2)
        assert (landmarks > 0).all()
        assert (landmarks < (640, 490)).all()


def test_points_are_in_the_standard_order() -> None:
    face = points()
    jaw, brows, nose, eyes, mouth = face[:17], face[17:27], face[27:36], face[36:48], face[48:]
    assert (np.diff(jaw[:, 0]) > 0).all()
    assert jaw[:, 1].argmax() == 8
    assert (np.diff(brows[:, 0]) > 0).all()
    assert brows[:, 1].max() < eyes[:, 1].min()
    assert eyes[:, 1].max() < nose[-1, 1] < mouth[:, 1].min()
    assert mouth[0, 0] == mouth[:, 0].min()
    assert mouth[6, 0] == mouth[:, 0].max()
    assert mouth[3, 1] < mouth[9, 1]


@pytest.mark.parametrize("eye", [36, 42])
def test_eye_points_start_left_and_follow_the_upper_lid(eye: int) -> None:
    corners = points()[eye : eye + 6]
    assert corners[0, 0] == corners[:, 0].min()
    assert corners[3, 0] == corners[:, 0].max()
    assert corners[1:3, 1].max() < corners[4:, 1].min()


def test_mean_face_at_rest_is_symmetrical_about_the_views_middle() -> None:
    face = points()
    assert face[36:48, 0].mean() == pytest.approx(320)
    assert face[48, 0] + face[54, 0] == pytest.approx(640)


def test_brows_rise_corners_lift_and_lips_part() -> None:
    rest = points()
    assert (points("1+2", 1.0)[17:27, 1] < rest[17:27, 1]).all()
    assert (points("12", 1.0)[[48, 54], 1] < rest[[48, 54], 1]).all()
    open_mouth = points("26", 1.0)
    assert open_mouth[66, 1] - open_mouth[62, 1] > rest[66, 1] - rest[62, 1] + 4


def test_left_side_of_the_person_is_right_in_the_image() -> None:
    moved = np.abs(points("L12", 1.0) - points()).sum(axis=1) > 0.5
    assert moved[54]
    assert not moved[48]


def test_points_follow_the_view() -> None:
    shifted = View(width=640, height=480, x=330, y=190, scale=80)
    np.testing.assert_allclose(points(view=shifted) - points(), np.tile((10.0, -10.0), (68, 1)))
