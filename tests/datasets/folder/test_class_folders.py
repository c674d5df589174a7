from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.folder.class_folders import read_class_folders, separate_clips
from datasets.folder.image_rows import MAX_NAME_LENGTH, AnomalyLog, ImageRow
from datasets.io.directory_tree import MAX_DEPTH, DirectoryTree


@pytest.fixture
def rows_of(tmp_path: Path) -> Callable[..., tuple[dict[str, ImageRow], list[tuple[str, str]]]]:
    """Return the rows by id and the anomalies of a tree of these files; a path ending in / is a folder."""

    def make(*paths: str) -> tuple[dict[str, ImageRow], list[tuple[str, str]]]:
        for path in paths:
            file_path = tmp_path / "mine" / path
            (file_path if path.endswith("/") else file_path.parent).mkdir(parents=True, exist_ok=True)
            if not path.endswith("/"):
                file_path.touch()
        faults = AnomalyLog()
        rows = separate_clips(read_class_folders(DirectoryTree(tmp_path / "mine"), faults), faults)
        return {row.id: row for row in rows}, [
            (fault.code, fault.location) for fault in faults.get_anomalies()
        ]

    return make


def test_deepest_scanned_folder_is_read(
    rows_of: Callable[..., tuple[dict[str, ImageRow], list[tuple[str, str]]]],
) -> None:
    deep = "/".join(["a", *"xyzw"[: MAX_DEPTH - 1]])
    rows, faults = rows_of(f"{deep}/1.png")
    assert rows[f"{deep}/1.png"].clip == "/".join("yzw"[: MAX_DEPTH - 2])
    assert faults == []


def test_unsafe_or_long_names_are_left_out_at_any_level(
    rows_of: Callable[..., tuple[dict[str, ImageRow], list[tuple[str, str]]]],
) -> None:
    long = "x" * MAX_NAME_LENGTH
    rows, faults = rows_of(f"a/{long}/1.png", f"a/{long}y/2.png", "a/p/c\td/3.png", " /4.png", "a/5\n.png")
    assert list(rows) == [f"a/{long}/1.png"]
    assert [code for code, _ in faults] == ["unusable name"] * 4 + ["empty class folder"]


def test_clip_name_in_two_classes_is_two_clips_if_frames_overlap(
    rows_of: Callable[..., tuple[dict[str, ImageRow], list[tuple[str, str]]]],
) -> None:
    rows, faults = rows_of("a/p/c/i1.png", "a/p/c/i2.png", "b/p/c/j2.png", "a/p/d/i1.png", "b/p/d/i2.png")
    clips = {name: row.clip for name, row in rows.items()}
    assert [clips[name] for name in ("a/p/c/i1.png", "a/p/c/i2.png", "b/p/c/j2.png")] == ["a/c", "a/c", "b/c"]
    assert {clips["a/p/d/i1.png"], clips["b/p/d/i2.png"]} == {"d"}, "one clip with frames in two classes"
    assert faults == [("one clip name in several classes", "p/c")]


def test_clips_of_three_classes_differ_if_all_pairs_overlap(
    rows_of: Callable[..., tuple[dict[str, ImageRow], list[tuple[str, str]]]],
) -> None:
    rows, faults = rows_of("a/p/c/1.png", "b/p/c/1.png", "b/p/c/2.png", "c/p/c/2.png")
    assert {row.clip for row in rows.values()} == {"c"}
    assert faults == []


def test_different_subjects_and_images_without_clip_never_overlap(
    rows_of: Callable[..., tuple[dict[str, ImageRow], list[tuple[str, str]]]],
) -> None:
    rows, faults = rows_of("a/p/c/1.png", "b/q/c/1.png", "a/p/1.png", "b/p/1.png")
    assert {row.clip for row in rows.values()} == {"c", ""}
    assert faults == []


def test_folder_without_images_is_ignored(
    rows_of: Callable[..., tuple[dict[str, ImageRow], list[tuple[str, str]]]],
) -> None:
    _, faults = rows_of("sub1/1.png", "sub2/1.png", "notes/")
    assert faults == [("empty class folder", "notes"), ("classes like subjects", "sub1, sub2")]
