from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.ckplus.ck48 import read_ck48
from datasets.ckplus.clips import CkplusRelease
from datasets.io.directory_tree import DirectoryTree


@pytest.fixture
def add(tmp_path: Path) -> Callable[..., None]:
    def make(folder: str, clip: str, frames: list[int], ending: str = "png") -> None:
        (tmp_path / folder).mkdir(exist_ok=True)
        for frame in frames:
            (tmp_path / folder / f"{clip}_{frame:08d}.{ending}").touch()

    return make


def release(tmp_path: Path) -> CkplusRelease:
    return read_ck48(DirectoryTree(tmp_path), tmp_path)


def codes(loaded: CkplusRelease) -> list[tuple[str, str]]:
    return [(anomaly.code, anomaly.location) for anomaly in loaded.anomalies]


def test_file_names_identify_sequences(add: Callable[..., None], tmp_path: Path) -> None:
    add("surprise", "S010_002", [12, 13, 14])
    add("happy", "S010_006", [9, 10, 11])
    add("happy", "s005_001", [1, 2, 3])
    loaded = release(tmp_path)
    assert [(clip.name, clip.subject, clip.emotion, list(clip.frames)) for clip in loaded.clips] == [
        ("S005/001", "S005", "happy", [1, 2, 3]),
        ("S010/002", "S010", "surprise", [12, 13, 14]),
        ("S010/006", "S010", "happy", [9, 10, 11]),
    ]
    assert not any(clip.is_full_sequence for clip in loaded.clips)
    assert loaded.notes == ("sequences: 3, of 2 subjects",)
    assert loaded.anomalies == ()


@pytest.mark.parametrize(
    ("folder", "emotion"), [("Happiness", "happy"), ("sad", "sadness"), ("ANGRY", "anger"), ("fear", "fear")]
)
def test_class_folders_of_other_names_are_read(
    add: Callable[..., None], tmp_path: Path, folder: str, emotion: str
) -> None:
    add(folder, "S010_002", [12, 13, 14])
    assert [clip.emotion for clip in release(tmp_path).clips] == [emotion]


def test_sequence_under_two_classes_is_left_out(add: Callable[..., None], tmp_path: Path) -> None:
    add("happy", "S010_002", [12, 13, 14])
    add("anger", "S010_002", [12])
    add("anger", "S011_001", [1, 2, 3])
    loaded = release(tmp_path)
    assert [clip.name for clip in loaded.clips] == ["S011/001"]
    assert codes(loaded) == [("two classes", "S010/002")]
    assert loaded.anomalies[0].description == "the sequence has frames in the class folders anger and happy"


def test_two_folders_of_one_class_are_one_class_and_repeated_frames_are_listed(
    add: Callable[..., None], tmp_path: Path
) -> None:
    add("happiness", "S010_002", [13, 14])
    add("happy", "S010_002", [12, 13])
    loaded = release(tmp_path)
    assert list(loaded.clips[0].frames) == [12, 13, 14]
    assert codes(loaded) == [("duplicate frame", "happy")]
    assert loaded.anomalies[0].description.endswith(": S010_002_00000013.png")


def test_folder_that_is_no_class_is_listed_if_it_holds_frames(
    add: Callable[..., None], tmp_path: Path
) -> None:
    add("happy", "S010_002", [12, 13, 14])
    add("calm", "S010_003", [1, 2, 3])
    (tmp_path / "notes").mkdir()
    loaded = release(tmp_path)
    assert codes(loaded) == [("unknown class", "calm")]
    assert loaded.anomalies[0].action == "its 3 images were left out"


def test_other_images_and_folders_are_listed(add: Callable[..., None], tmp_path: Path) -> None:
    add("happy", "S010_002", [12, 13, 14])
    for name in ("face.png", "S010_002.png", "readme.txt", ".DS_Store"):
        (tmp_path / "happy" / name).touch()
    (tmp_path / "happy" / "more").mkdir()
    loaded = release(tmp_path)
    assert [(anomaly.code, anomaly.action) for anomaly in loaded.anomalies] == [
        ("strange image", "2 were left out"),
        ("strange folder", "1 were left out"),
    ]


def test_long_sequence_is_cut_to_three_frames_and_short_one_stays(
    add: Callable[..., None], tmp_path: Path
) -> None:
    add("happy", "S010_002", [9, 100, 101, 102])
    add("happy", "S010_003", [5, 6])
    add("happy", "S010_004", [5, 6, 8])
    loaded = release(tmp_path)
    assert [list(clip.frames) for clip in loaded.clips] == [[100, 101, 102], [5, 6], [5, 6, 8]]
    assert codes(loaded) == [
        ("long sequence", "S010/002"),
        ("short sequence", "S010/003"),
        ("missing frames", "S010/004"),
    ]


def test_png_is_used_if_a_frame_has_two_images(add: Callable[..., None], tmp_path: Path) -> None:
    add("happy", "S010_002", [12, 13, 14])
    add("happy", "S010_002", [12], ending="jpg")
    loaded = release(tmp_path)
    assert loaded.clips[0].frames[12].endswith(".png")
    assert codes(loaded) == [("duplicate frame", "happy")]
