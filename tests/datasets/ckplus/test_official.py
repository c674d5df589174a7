from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from datasets.ckplus.clips import CkplusRelease
from datasets.ckplus.official import read_official
from datasets.io.directory_tree import DirectoryTree


@pytest.fixture
def add(tmp_path: Path) -> Callable[..., Path]:
    """Write the images of one sequence, or its label file if `label` is given."""

    def make(
        folder_path: str,
        frames: Sequence[int] = (),
        label: int | None = None,
        of: int | None = None,
        ending: str = "png",
    ) -> Path:
        subject, sequence = folder_path.split("/")
        stem = f"{subject}_{sequence}"
        folder = tmp_path / "images" / folder_path
        folder.mkdir(parents=True, exist_ok=True)
        for frame in frames:
            (folder / f"{stem}_{frame:08d}.{ending}").touch()
        if label is not None:
            path = tmp_path / "labels" / folder_path / f"{stem}_{of or max(frames):08d}_emotion.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"   {label:.7e}\n")
        return folder

    return make


@pytest.fixture
def release(tmp_path: Path) -> Callable[[], CkplusRelease]:
    return lambda: read_official(DirectoryTree(tmp_path), tmp_path / "images", labels=tmp_path / "labels")


def codes(loaded: CkplusRelease) -> list[tuple[str, str]]:
    return [(anomaly.code, anomaly.location) for anomaly in loaded.anomalies]


def test_sequences_with_a_label_are_clips_in_order_of_name(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    add("S010/004", range(1, 13), label=7)
    add("S005/001", range(1, 12), label=3)
    loaded = release()
    assert [(clip.name, clip.subject, clip.emotion) for clip in loaded.clips] == [
        ("S005/001", "S005", "disgust"),
        ("S010/004", "S010", "surprise"),
    ]
    assert list(loaded.clips[0].frames) == list(range(1, 12))
    assert loaded.clips[0].is_full_sequence
    assert loaded.anomalies == ()


def test_sequences_without_label_file_are_noted_without_anomaly(
    add: Callable[..., Path], release: Callable[[], CkplusRelease], tmp_path: Path
) -> None:
    add("S005/001", range(1, 5), label=3)
    add("S005/002", range(1, 5))
    add("S005/003", range(1, 5))
    (tmp_path / "labels/S005/002").mkdir()
    loaded = release()
    assert [clip.name for clip in loaded.clips] == ["S005/001"]
    assert loaded.notes == (
        "sequences: 3, of 1 subject",
        "unlabelled: 2 sequences have no label file and were left out",
    )
    assert loaded.anomalies == ()


def test_label_without_images_is_listed(
    add: Callable[..., Path], release: Callable[[], CkplusRelease], tmp_path: Path
) -> None:
    add("S005/001", range(1, 5), label=3)
    add("S005/002", [], label=3, of=4)
    add("S006/001", [], label=3, of=4).rmdir()
    loaded = release()
    assert codes(loaded) == [("no images", "S005/002"), ("no images", "S006/001")]
    assert [clip.name for clip in loaded.clips] == ["S005/001"]


def test_empty_folder_is_listed_and_is_not_unlabelled(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    add("S005/001", range(1, 5), label=3)
    add("S005/002")
    loaded = release()
    assert codes(loaded) == [("empty folder", "S005/002")]
    assert loaded.notes[1].startswith("unlabelled: 0 ")


def test_unusable_label_is_not_unlabelled(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    add("S005/001", range(1, 5), label=3)
    add("S005/002", range(1, 5), label=0)
    loaded = release()
    assert codes(loaded) == [("unusable label", "labels/S005/002/S005_002_00000004_emotion.txt")]
    assert [clip.name for clip in loaded.clips] == ["S005/001"]
    assert loaded.notes[1].startswith("unlabelled: 0 ")


def test_sequence_without_its_labelled_frame_is_left_out(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    add("S005/001", range(1, 9), label=3, of=11)
    loaded = release()
    assert loaded.clips == ()
    (anomaly,) = loaded.anomalies
    assert (anomaly.code, anomaly.location) == ("missing peak", "S005/001")
    assert anomaly.description == "the labelled frame, 11, is not there; the last is 8"


def test_label_of_an_earlier_frame_is_used_and_listed(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    add("S005/001", range(1, 12), label=3, of=9)
    loaded = release()
    assert codes(loaded) == [("odd peak", "S005/001")]
    assert max(loaded.clips[0].frames) == 11


def test_gaps_and_short_sequences_are_used_and_listed(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    add("S005/001", [1, 2, 5], label=3)
    add("S005/002", [1, 2], label=3)
    loaded = release()
    assert codes(loaded) == [("missing frames", "S005/001"), ("short sequence", "S005/002")]
    assert len(loaded.clips) == 2


def test_images_of_other_names_and_of_other_sequences_are_left_out_and_listed(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    folder = add("S005/001", range(1, 4), label=3)
    for name in ("face.png", "S005_001_4.png", "S006_001_00000004.png", "S005_002_00000004.png", "a.txt"):
        (folder / name).touch()
    (folder / "more").mkdir()
    loaded = release()
    assert list(loaded.clips[0].frames) == [1, 2, 3]
    assert [(anomaly.code, anomaly.location, anomaly.action) for anomaly in loaded.anomalies] == [
        ("strange image", "S005/001", "2 were left out"),
        ("misplaced image", "S005/001", "2 were left out"),
        ("strange folder", "S005/001", "1 were left out"),
    ]
    assert loaded.anomalies[1].description.endswith(": S005_002_00000004.png, S006_001_00000004.png")


def test_thousand_strange_images_are_one_anomaly(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    folder = add("S005/001", range(1, 4), label=3)
    for number in range(1000):
        (folder / f"crop{number:04d}.png").touch()
    (anomaly,) = release().anomalies
    assert anomaly.description.endswith("crop0004.png and 995 more")


def test_png_is_used_if_a_frame_has_two_images(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    folder = add("S005/001", range(1, 4), label=3)
    add("S005/001", [3], ending="bmp")
    loaded = release()
    assert codes(loaded) == [("duplicate frame", "S005/001")]
    assert loaded.clips[0].frames[3] == str(folder / "S005_001_00000003.png")


@pytest.mark.parametrize("ending", ["jpg", "JPEG", "bmp", "tiff"])
def test_other_formats_are_read_too(
    add: Callable[..., Path], release: Callable[[], CkplusRelease], ending: str
) -> None:
    add("S005/001", range(1, 4), label=3, ending=ending)
    assert list(release().clips[0].frames) == [1, 2, 3]


def test_frames_of_mixed_formats_are_sorted_by_number(
    add: Callable[..., Path], release: Callable[[], CkplusRelease]
) -> None:
    add("S005/001", [1, 3])
    add("S005/001", [2, 4], label=3, ending="jpg")
    assert list(release().clips[0].frames) == [1, 2, 3, 4]


def test_files_of_operating_systems_are_no_anomaly(
    add: Callable[..., Path], release: Callable[[], CkplusRelease], tmp_path: Path
) -> None:
    folder = add("S005/001", range(1, 4), label=3)
    for folder_path in (folder, folder.parent, folder.parent.parent, tmp_path / "labels"):
        for junk in (".DS_Store", "Thumbs.db", "._S005_001_00000009.png"):
            (folder_path / junk).touch()
    loaded = release()
    assert loaded.anomalies == ()
    assert list(loaded.clips[0].frames) == [1, 2, 3]
