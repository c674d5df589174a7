from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.synthetic.casme2_plan import ClipPlan
from datasets.synthetic.clip_writer import (
    FRAME_RATE,
    RenderJob,
    compute_intensity,
    sample_cropped_view,
    sample_raw_view,
    sample_tight_view,
    write_clip,
)
from datasets.synthetic.rendering.canvas import View
from datasets.synthetic.rendering.identity import Identity, sample_identity
from tests.datasets.image_files import load_image

CLIP = ClipPlan(
    subject=1, name="EP02_01f", emotion="happiness", action_units="6+12", onset=8, apex=12, offset=18
)


def make_job(folder: Path, **changes: Any) -> RenderJob:
    defaults: dict[str, Any] = {
        "clip": CLIP,
        "person": Identity(),
        "view": View(width=70, height=85, x=35, y=34, scale=29),
        "frame_numbers": range(8, 19),
        "amplitude": 1.0,
        "folder": folder,
        "prefix": "reg_img",
        "seed": (0,),
    }
    return RenderJob(**(defaults | changes))


def read(folder: Path) -> list[NDArray[np.int64]]:
    names = sorted(folder.iterdir(), key=lambda path: int(path.stem.removeprefix("reg_img")))
    return [load_image(name).astype(int) for name in names]


def test_expression_rises_to_the_apex_and_falls_after_it() -> None:
    profile = [compute_intensity(CLIP, number) for number in range(1, 40)]
    assert profile[: CLIP.onset] == [0.0] * 8
    assert profile[CLIP.apex - 1] == 1.0
    rise, fall = np.diff(profile[CLIP.onset - 1 : CLIP.apex]), np.diff(profile[CLIP.apex - 1 :])
    assert (rise > 0).all()
    assert (fall < 0).all()
    assert 0.3 < compute_intensity(CLIP, CLIP.offset) < 0.6
    assert profile[-1] < 0.01


def test_few_frames_of_a_short_clip_are_near_rest() -> None:
    profile = [compute_intensity(CLIP, number) for number in range(CLIP.onset, CLIP.offset + 1)]
    assert sum(value < 0.3 for value in profile) == 1


def test_file_names_have_unpadded_frame_numbers(tmp_path: Path) -> None:
    write_clip(make_job(tmp_path / "clip", frame_numbers=range(9, 12)))
    assert sorted(path.name for path in (tmp_path / "clip").iterdir()) == [
        "reg_img10.jpg",
        "reg_img11.jpg",
        "reg_img9.jpg",
    ]


def test_bytes_depend_on_the_job_and_the_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_clip(make_job(tmp_path / name, frame_numbers=range(8, 10), seed=(seed,)))
    a, b, c = ((tmp_path / name / "reg_img9.jpg").read_bytes() for name in "abc")
    assert a == b != c


def test_neighbours_are_similar_and_the_apex_differs_from_the_onset(tmp_path: Path) -> None:
    write_clip(make_job(tmp_path / "clip", amplitude=2.0))
    frames = read(tmp_path / "clip")
    assert all(0 < np.abs(a - b).mean() < 6 for a, b in pairwise(frames))
    mouth = [np.abs(frame - frames[0])[50:72, 15:55].mean() for frame in frames]
    assert int(np.argmax(mouth)) in (3, 4, 5)


def test_no_amplitude_is_no_motion_beyond_sway_and_noise(tmp_path: Path) -> None:
    write_clip(make_job(tmp_path / "still", amplitude=0.0))
    write_clip(make_job(tmp_path / "moving", amplitude=2.0))
    still, moving = read(tmp_path / "still"), read(tmp_path / "moving")
    assert np.abs(moving[4] - moving[0])[50:72].mean() > 2 * np.abs(still[4] - still[0])[50:72].mean()


@pytest.mark.parametrize("seed", range(8))
def test_crop_is_about_280_by_340_and_contains_the_face(seed: int) -> None:
    person = sample_identity((seed,))
    view = sample_cropped_view(person, (seed,))
    assert (view.width, view.height) == pytest.approx((280, 340), abs=12)
    assert person.face_width * view.scale < view.width / 2
    assert view.y + 1.62 * person.face_length * view.scale < view.height


def test_raw_frame_is_640_by_480_with_head_and_shoulders() -> None:
    for seed in range(8):
        view = sample_raw_view((seed,))
        assert (view.width, view.height) == (640, 480)
        assert view.y - 1.5 * view.scale > 0
        assert view.y + 2.4 * view.scale < 480


def test_grey_images_have_one_channel_and_the_requested_size(tmp_path: Path) -> None:
    options = {"prefix": "S005_001_", "digits": 8, "extension": "png", "grayscale": True, "output_size": 48}
    write_clip(make_job(tmp_path, frame_numbers=(9, 12), **options))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "S005_001_00000009.png",
        "S005_001_00000012.png",
    ]
    image = load_image(tmp_path / "S005_001_00000009.png", cv2.IMREAD_UNCHANGED)
    assert image.shape == (48, 48)
    assert image.dtype == np.uint8


def test_video_has_every_frame_and_is_reproducible(tmp_path: Path) -> None:
    options = {"prefix": "EP02_01f", "extension": "avi", "frame_numbers": range(1, 8)}
    view = View(width=64, height=80, x=32, y=32, scale=27)
    for name in "ab":
        write_clip(make_job(tmp_path / name, view=view, **options))
    path = tmp_path / "a" / "EP02_01f.avi"
    reader = cv2.VideoCapture(str(path))
    assert reader.get(cv2.CAP_PROP_FPS) == FRAME_RATE == 200
    frames = []
    while (read := reader.read())[0]:
        frames.append(read[1])
    reader.release()
    assert [frame.shape for frame in frames] == [(80, 64, 3)] * 7
    assert path.read_bytes() == (tmp_path / "b" / "EP02_01f.avi").read_bytes()


def test_video_and_images_have_equal_frames(tmp_path: Path) -> None:
    view = View(width=64, height=80, x=32, y=32, scale=27)
    write_clip(
        make_job(tmp_path / "film", view=view, extension="avi", prefix="a", frame_numbers=range(8, 10))
    )
    write_clip(make_job(tmp_path / "images", view=view, frame_numbers=range(8, 10)))
    reader = cv2.VideoCapture(str(tmp_path / "film" / "a.avi"))
    frame = reader.read()[1].astype(int)
    reader.release()
    image = load_image(tmp_path / "images" / "reg_img8.jpg")
    assert np.abs(frame - image).mean() < 4


def test_video_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.avi").mkdir()
    with pytest.raises(OSError, match=r"a\.avi could not be written: 0 of 3 frames are in it"):
        write_clip(make_job(tmp_path, extension="avi", prefix="a", frame_numbers=range(8, 11)))


def test_landmarks_accompany_frames(tmp_path: Path) -> None:
    options = {"prefix": "S005_001_", "digits": 8, "extension": "png", "frame_numbers": range(1, 3)}
    write_clip(make_job(tmp_path / "images", landmark_folder=tmp_path / "points", **options))
    files = sorted((tmp_path / "points").iterdir())
    assert [path.name for path in files] == [
        "S005_001_00000001_landmarks.txt",
        "S005_001_00000002_landmarks.txt",
    ]
    assert np.loadtxt(files[0]).shape == (68, 2)


@pytest.mark.parametrize("seed", range(4))
def test_tight_view_is_a_square_from_brows_to_chin(seed: int) -> None:
    person = sample_identity((seed,))
    view = sample_tight_view(person, (seed,))
    assert view.width == view.height == 144
    assert view.y - 0.5 * view.scale > 0
    assert view.y + 1.3 * person.face_length * view.scale < 144
