from itertools import pairwise

import cv2
import numpy as np
import pytest

from datasets.drawing.canvas import View
from datasets.drawing.identity import Identity, draw_identity
from datasets.synthetic_film import Take, cropped_view, film, intensity, raw_view
from datasets.synthetic_plan import Clip

CLIP = Clip(subject=1, name="EP02_01f", emotion="happiness", units="6+12", onset=8, apex=12, offset=18)


def take(folder, **changes):
    given = {
        "clip": CLIP,
        "person": Identity(),
        "view": View(width=70, height=85, x=35, y=34, scale=29),
        "frames": range(8, 19),
        "amplitude": 1.0,
        "folder": folder,
        "prefix": "reg_img",
        "seed": (0,),
    }
    return Take(**(given | changes))


def read(folder):
    names = sorted(folder.iterdir(), key=lambda path: int(path.stem.removeprefix("reg_img")))
    return [cv2.imread(str(name)).astype(int) for name in names]


def test_an_expression_rises_to_the_apex_and_falls_after_it():
    profile = [intensity(CLIP, number) for number in range(1, 40)]
    assert profile[: CLIP.onset] == [0.0] * 8
    assert profile[CLIP.apex - 1] == 1.0
    rise, fall = np.diff(profile[CLIP.onset - 1 : CLIP.apex]), np.diff(profile[CLIP.apex - 1 :])
    assert (rise > 0).all()
    assert (fall < 0).all()
    assert 0.3 < intensity(CLIP, CLIP.offset) < 0.6
    assert profile[-1] < 0.01


def test_few_frames_of_a_short_clip_are_near_rest():
    profile = [intensity(CLIP, number) for number in range(CLIP.onset, CLIP.offset + 1)]
    assert sum(value < 0.3 for value in profile) == 1


def test_frames_carry_the_numbers_of_the_recording_unpadded(tmp_path):
    film(take(tmp_path / "clip", frames=range(9, 12)))
    assert sorted(path.name for path in (tmp_path / "clip").iterdir()) == [
        "reg_img10.jpg",
        "reg_img11.jpg",
        "reg_img9.jpg",
    ]


def test_the_same_take_gives_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        film(take(tmp_path / name, frames=range(8, 10), seed=(seed,)))
    a, b, c = ((tmp_path / name / "reg_img9.jpg").read_bytes() for name in "abc")
    assert a == b != c


def test_neighbours_are_nearly_alike_and_the_apex_differs_most_from_the_onset(tmp_path):
    film(take(tmp_path / "clip", amplitude=2.0))
    frames = read(tmp_path / "clip")
    assert all(0 < np.abs(a - b).mean() < 6 for a, b in pairwise(frames))
    mouth = [np.abs(frame - frames[0])[50:72, 15:55].mean() for frame in frames]
    assert int(np.argmax(mouth)) in (3, 4, 5)


def test_no_amplitude_is_no_motion_beyond_sway_and_noise(tmp_path):
    film(take(tmp_path / "still", amplitude=0.0))
    film(take(tmp_path / "moving", amplitude=2.0))
    still, moving = read(tmp_path / "still"), read(tmp_path / "moving")
    assert np.abs(moving[4] - moving[0])[50:72].mean() > 2 * np.abs(still[4] - still[0])[50:72].mean()


@pytest.mark.parametrize("seed", range(8))
def test_a_crop_is_about_280_by_340_and_holds_the_whole_face(seed):
    person = draw_identity((seed,))
    view = cropped_view(person, (seed,))
    assert (view.width, view.height) == pytest.approx((280, 340), abs=12)
    assert person.face_width * view.scale < view.width / 2
    assert view.y + 1.62 * person.face_length * view.scale < view.height


def test_a_raw_frame_is_640_by_480_with_head_and_shoulders():
    for seed in range(8):
        view = raw_view((seed,))
        assert (view.width, view.height) == (640, 480)
        assert view.y - 1.5 * view.scale > 0
        assert view.y + 2.4 * view.scale < 480
