from collections.abc import Mapping
from pathlib import Path

import pytest

from datasets.ckplus.labels import Label, read_labels
from datasets.io.directory_tree import DirectoryTree
from datasets.spec import Anomaly


def write(root: Path, files: Mapping[str, str | bytes]) -> tuple[dict[str, Label | None], list[Anomaly]]:
    """Write label files from name → content; the name determines the folder."""
    for name, content in files.items():
        subject, sequence = name.split("_")[:2]
        path = root / subject / sequence / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_labels(DirectoryTree(root), root)


@pytest.mark.parametrize(
    ("content", "emotion"),
    [
        ("   1.0000000e+00\n", "anger"),
        ("   2.0000000e+00\r\n", "contempt"),
        ("3", "disgust"),
        ("4.0\n\n", "fear"),
        (b"\xef\xbb\xbf   5.0000000e+00\n", "happy"),
        ("\t6.0000000e+00", "sadness"),
        ("7.0e0", "surprise"),
    ],
)
def test_label_is_one_number(tmp_path: Path, content: str | bytes, emotion: str) -> None:
    labels, anomalies = write(tmp_path, {"S005_001_00000011_emotion.txt": content})
    assert labels == {"S005/001": Label(emotion, 11)}
    assert anomalies == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("   0.0000000e+00\n", "the file says '0.0000000e+00'; known: 1 anger, 2 contempt"),
        ("8", "the file says '8'"),
        ("-3", "the file says '-3'"),
        ("3.5", "the file says '3.5'"),
        ("nan", "the file says 'nan'"),
        ("inf", "the file says 'inf'"),
        ("", "must hold one number; it says ''"),
        ("happy", "must hold one number; it says 'happy'"),
        ("3.0 4.0", "must hold one number"),
        ("3.0\n4.0\n", "must hold one number"),
        (b"\x00\xff\x00binary", "must hold one number"),
        (b" " * 10_000_000 + b"3", "must hold one number; it says ''"),
    ],
)
def test_invalid_label_leaves_its_sequence_out(tmp_path: Path, content: str | bytes, reason: str) -> None:
    labels, (anomaly,) = write(tmp_path, {"S005_001_00000011_emotion.txt": content})
    assert labels == {"S005/001": None}
    assert (anomaly.code, anomaly.location) == ("unusable label", "S005/001/S005_001_00000011_emotion.txt")
    assert anomaly.action == "the sequence was left out"
    assert reason in anomaly.description


def test_empty_folders_have_no_label(tmp_path: Path) -> None:
    (tmp_path / "S005" / "002").mkdir(parents=True)
    labels, anomalies = write(tmp_path, {"S005_001_00000011_emotion.txt": "3"})
    assert list(labels) == ["S005/001"]
    assert anomalies == []


def test_equal_labels_become_one_of_the_last_frame(tmp_path: Path) -> None:
    files = {"S005_001_00000011_emotion.txt": "3.0", "S005_001_00000009_emotion.txt": "3"}
    labels, (anomaly,) = write(tmp_path, files)
    assert labels == {"S005/001": Label("disgust", 11)}
    assert (anomaly.code, anomaly.location) == ("several labels", "S005/001")
    assert anomaly.description == "2 label files: disgust at frame 9, disgust at frame 11"
    assert anomaly.action == "the last one was used, they agree"


def test_different_labels_leave_the_sequence_out(tmp_path: Path) -> None:
    files = {"S005_001_00000011_emotion.txt": "3.0", "S005_001_00000009_emotion.txt": "5"}
    labels, (anomaly,) = write(tmp_path, files)
    assert labels == {"S005/001": None}
    assert anomaly.action == "the sequence was left out"


def test_files_of_other_names_are_listed_and_facs_and_landmarks_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "S005" / "001"
    folder.mkdir(parents=True)
    for name in ("S005_001_00000011_facs.txt", "S005_001_00000011_landmarks.txt", "S005_001_00000011.png"):
        (folder / name).touch()
    (folder / "S006_001_00000011_emotion.txt").write_text("3")
    (folder / "S005_001_00000011_emotion (1).txt").write_text("3")
    labels, anomalies = read_labels(DirectoryTree(tmp_path), tmp_path)
    assert labels == {}
    assert [(anomaly.code, anomaly.location) for anomaly in anomalies] == [
        ("strange label", "S005/001/S005_001_00000011_emotion (1).txt"),
        ("misplaced label", "S005/001/S006_001_00000011_emotion.txt"),
    ]


def test_label_that_cannot_be_opened_is_listed(tmp_path: Path) -> None:
    write(tmp_path, {"S005_001_00000011_emotion.txt": "3"})
    tree = DirectoryTree(tmp_path)
    tree.list_folder(tmp_path / "S005" / "001")
    (tmp_path / "S005" / "001" / "S005_001_00000011_emotion.txt").unlink()
    labels, (anomaly,) = read_labels(tree, tmp_path)
    assert labels == {"S005/001": None}
    assert anomaly.description == "the file cannot be read: No such file or directory"
