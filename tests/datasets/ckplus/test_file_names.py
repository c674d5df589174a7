from pathlib import Path

import pytest

from datasets.ckplus.file_names import (
    find_sequences,
    format_names,
    is_image,
    parse_class,
    parse_frame_name,
    parse_label_name,
    parse_subject,
)
from datasets.io.directory_tree import DirectoryTree


@pytest.mark.parametrize("name", ["S005_001_00000011.png", "s005_001_00000011.JPEG", "S005_001_00000011.tif"])
def test_image_name_gives_clip_and_frame(name: str) -> None:
    assert parse_frame_name(name) == ("S005/001", 11)


@pytest.mark.parametrize(
    "name",
    [
        "S005_001_0000011.png",
        "S05_001_00000011.png",
        "S005_001_00000011.txt",
        "S005_001_00000011_emotion.txt",
        "S005_001_00000011 (1).png",
        "S٠٠٥_001_00000011.png",
    ],
)
def test_other_names_give_no_clip(name: str) -> None:
    assert parse_frame_name(name) is None


def test_label_file_name_gives_clip_and_frame() -> None:
    assert parse_label_name("S005_001_00000011_emotion.txt") == ("S005/001", 11)
    assert parse_label_name("S005_001_00000011_facs.txt") is None
    assert parse_label_name("S005_001_00000011.png") is None


def test_subjects_have_three_digits_in_either_case() -> None:
    assert [parse_subject(name) for name in ("S005", "s999", "S5", "S0005", "005")] == [
        "S005",
        "S999",
        "",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Angry", "anger"),
        ("happiness", "happy"),
        ("SAD", "sadness"),
        ("surprise ", "surprise"),
        ("joyful", ""),
    ],
)
def test_class_folders_have_many_spellings(folder: str, name: str) -> None:
    assert parse_class(folder) == name


def test_suffix_identifies_images() -> None:
    assert [is_image(name) for name in ("a.PNG", "a.bmp", "a.tiff", ".png", "a.txt")] == [True] * 3 + [
        False
    ] * 2


def test_long_list_is_truncated_with_a_count() -> None:
    assert format_names([1, 2]) == "1, 2"
    assert format_names(list(range(9)), max_names=3) == "0, 1, 2 and 6 more"


def test_sequences_are_listed_and_strange_folders_are_anomalies(tmp_path: Path) -> None:
    for folder in ("S010/002", "s005/001", "S005/001", "S005/1", "S005 copy/001", "notes/001"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "S010" / "face.png").touch()
    (tmp_path / "S010" / "readme.txt").touch()
    sequences, anomalies = find_sequences(DirectoryTree(tmp_path), tmp_path)
    assert sequences == {"S005/001": tmp_path / "S005/001", "S010/002": tmp_path / "S010/002"}
    assert sorted((anomaly.code, anomaly.location) for anomaly in anomalies) == [
        ("duplicate folder", "s005/001"),
        ("strange folder", "S005 copy"),
        ("strange folder", "S005/1"),
        ("strange image", "S010"),
    ]
