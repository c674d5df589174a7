import pytest

from datasets.folder.class_folders import read_class_folders, separate_clips
from datasets.folder.image_rows import MAX_NAME_LENGTH, AnomalyLog
from datasets.io.directory_tree import MAX_DEPTH, DirectoryTree


@pytest.fixture
def rows_of(tmp_path):
    """Return the rows by id and the anomalies of a tree of these files; a path ending in / is a folder."""

    def make(*paths):
        for path in paths:
            place = tmp_path / "mine" / path
            (place if path.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
            if not path.endswith("/"):
                place.touch()
        faults = AnomalyLog()
        rows = separate_clips(read_class_folders(DirectoryTree(tmp_path / "mine"), faults), faults)
        return {row.id: row for row in rows}, [
            (fault.code, fault.location) for fault in faults.get_anomalies()
        ]

    return make


def test_the_deepest_folder_that_is_looked_into_is_read(rows_of):
    deep = "/".join(["a", *"xyzw"[: MAX_DEPTH - 1]])
    rows, faults = rows_of(f"{deep}/1.png")
    assert rows[f"{deep}/1.png"].clip == "/".join("yzw"[: MAX_DEPTH - 2])
    assert faults == []


def test_names_of_any_level_that_cannot_be_written_or_are_too_long_are_left_out(rows_of):
    long = "x" * MAX_NAME_LENGTH
    rows, faults = rows_of(f"a/{long}/1.png", f"a/{long}y/2.png", "a/p/c\td/3.png", " /4.png", "a/5\n.png")
    assert list(rows) == [f"a/{long}/1.png"]
    assert [code for code, _ in faults] == ["unusable name"] * 4 + ["empty class folder"]


def test_a_clip_name_in_two_classes_is_two_clips_only_where_frames_meet(rows_of):
    rows, faults = rows_of("a/p/c/i1.png", "a/p/c/i2.png", "b/p/c/j2.png", "a/p/d/i1.png", "b/p/d/i2.png")
    clips = {name: row.clip for name, row in rows.items()}
    assert [clips[name] for name in ("a/p/c/i1.png", "a/p/c/i2.png", "b/p/c/j2.png")] == ["a/c", "a/c", "b/c"]
    assert {clips["a/p/d/i1.png"], clips["b/p/d/i2.png"]} == {"d"}, "one clip dealt out over the classes"
    assert faults == [("one clip name in several classes", "p/c")]


def test_of_three_classes_every_two_must_meet_to_hold_different_clips(rows_of):
    rows, faults = rows_of("a/p/c/1.png", "b/p/c/1.png", "b/p/c/2.png", "c/p/c/2.png")
    assert {row.clip for row in rows.values()} == {"c"}
    assert faults == []


def test_the_clips_of_two_subjects_and_images_without_a_clip_never_meet(rows_of):
    rows, faults = rows_of("a/p/c/1.png", "b/q/c/1.png", "a/p/1.png", "b/p/1.png")
    assert {row.clip for row in rows.values()} == {"c", ""}
    assert faults == []


def test_a_folder_without_images_has_no_part_in_the_doubt(rows_of):
    _, faults = rows_of("sub1/1.png", "sub2/1.png", "notes/")
    assert faults == [("empty class folder", "notes"), ("classes like subjects", "sub1, sub2")]
