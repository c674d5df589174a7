"""Tests of every layout of the release, from the files on disk to one sample table."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.casme2.loader import FRAME_POLICIES, LAYOUTS, load
from datasets.spec import ImageRef
from tests.error_codes import raises_code

ROWS = [
    ("01", "EP03", 8, 9, 11, "happiness"),
    (1, "EP02", 7, 10, 10, "happiness"),
    (1, "EP04", 9, "/", 10, "disgust"),
    (2, "EP02", 8, 8, 9, "happiness"),
    (2, "EP05", 1, 2, 3, "others"),
]


def film(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 200, (64, 48))
    for _ in range(frames):
        writer.write(np.zeros((48, 64, 3), dtype=np.uint8))
    writer.release()


def to_layout(root, layout, keep=False):
    """Write the clips of the cropped release in another layout; its full clips end three frames later."""
    if layout == "cropped":
        return root
    for clip in root.glob("Cropped/Cropped/*/*"):
        shown = [int(path.stem.removeprefix("reg_img")) for path in clip.iterdir()]
        place = root / "CASME2" / layout / clip.parent.name / clip.name
        if layout == "compressed":
            film(place.with_name(f"{place.name}.avi"), max(shown) + 3)
            continue
        place.mkdir(parents=True)
        for number in range(1, max(shown) + 4) if layout == "raw" else shown:
            (place / f"img{number}.jpg").touch()
    if not keep:
        shutil.rmtree(root / "Cropped")
    return root


def place(layout, clip, frame):
    """Return the path of a frame relative to the root."""
    if layout == "compressed":
        return f"CASME2/compressed/{clip}.avi", frame - 1
    prefix, name = ("Cropped/Cropped", "reg_img") if layout == "cropped" else (f"CASME2/{layout}", "img")
    return f"{prefix}/{clip}/{name}{frame}.jpg", -1


def where(picture, root):
    return Path(picture.path).relative_to(root).as_posix(), picture.frame_index


def codes(table):
    return sorted((anomaly.code, anomaly.location) for anomaly in table.anomalies)


@pytest.mark.parametrize("frames", FRAME_POLICIES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_samples(tree, frames, layout):
    expected = load(tree.write(ROWS), frames)
    to_layout(tree.root, layout)
    table = load(tree.root, frames)
    assert (table.layout, table.is_aligned) == (layout, layout == "cropped")
    assert [sample.id for sample in table.samples] == [sample.id for sample in expected.samples]
    assert [sample.role for sample in table.samples] == [sample.role for sample in expected.samples]
    assert codes(table) == codes(expected)
    for sample in table.samples:
        onset = next(
            row[2] for row in ROWS if sample.clip.endswith(row[1]) and int(row[0]) == int(sample.subject[3:])
        )
        assert where(sample.image_ref, tree.root) == place(layout, sample.clip, sample.frame_number)
        assert where(sample.onset_ref, tree.root) == place(layout, sample.clip, onset)


def test_of_several_layouts_the_cropped_one_is_read_unless_another_is_named(tree):
    root = tree.write(ROWS)
    for layout in ("raw", "compressed"):
        to_layout(root, layout, keep=True)
    table = load(root, "apex")
    assert table.layout == "cropped"
    assert table.notes[-1] == (
        "release: cropped in Cropped/Cropped (not used: raw in CASME2/raw, compressed in CASME2/compressed)"
    )
    for layout in ("raw", "compressed"):
        table = load(root, "apex", layout=layout)
        assert (table.layout, len(table.samples)) == (layout, 3)
    with raises_code("release-layout.missing", "raw_selected", "cropped in Cropped/Cropped, raw in"):
        load(root, "apex", layout="raw_selected")
    with raises_code("release-layout.unknown", "'avi'"):
        load(root, "apex", layout="avi")


def test_renamed_subjects_and_deep_nesting_change_no_id(tree):
    expected = load(tree.write(ROWS), "onset_offset")
    deep = tree.root / "CASME2_preprocessed_Li Xiaobai" / "Cropped"
    deep.mkdir(parents=True)
    (tree.root / "Cropped/Cropped").rename(deep / "Cropped")
    (tree.root / "Cropped").rmdir()
    (deep / "Cropped/sub01").rename(deep / "Cropped/1")
    (deep / "Cropped/sub02").rename(deep / "Cropped/02")
    table = load(tree.root, "onset_offset")
    assert [sample.id for sample in table.samples] == [sample.id for sample in expected.samples]


def test_the_onset_is_the_first_frame_there_is(tree):
    root = tree.write(ROWS[:1])
    (root / "Cropped/Cropped/sub01/EP03/reg_img8.jpg").unlink()
    (sample,) = load(root, "apex").samples
    assert sample.onset_ref == ImageRef(sample.path)


def test_videos_that_cannot_be_read_or_are_short_are_listed(tree):
    root = to_layout(tree.write(ROWS), "compressed")
    (root / "CASME2/compressed/sub01/EP02.avi").write_bytes(b"RIFF")
    film(root / "CASME2/compressed/sub01/EP03.avi", 9)
    table = load(root, "onset_offset")
    assert [sample.frame_number for sample in table.samples if sample.clip == "sub01/EP03"] == [8, 9]
    assert ("unreadable video", "sub01/EP02") in codes(table)
    assert ("missing frames", "sub01/EP03") in codes(table)


def test_the_papers_frames_of_other_classes_or_layouts_are_noted(tree):
    root = tree.write([(24, name, 1, 2, 3, "sadness") for name in ("EP07_01", "EP07_04f", "EP10_03")])
    assert any("has six classes" in note for note in load(root, "paper", classes=("fear", "sadness")).notes)
    to_layout(root, "raw")
    raw = load(root, "paper")
    assert any("Cropped release" in note and "raw" in note for note in raw.notes)
    assert raw.expected_sample_counts == ()


def test_junk_beside_the_release_changes_nothing(tree):
    expected = load(tree.write(ROWS), "paper")
    for name in (
        "~$CASME2-coding-20140508.xlsx",
        ".DS_Store",
        "__MACOSX/x.xlsx",
        "Cropped/Thumbs.db",
        "Cropped/Cropped/sub01/Desktop - Shortcut.lnk",
        "Cropped/Cropped/sub01/EP03/._reg_img8.jpg",
        "Cropped/Cropped/readme.txt",
    ):
        (tree.root / name).parent.mkdir(exist_ok=True)
        (tree.root / name).touch()
    assert load(tree.root, "paper") == expected


def test_what_the_tree_cannot_follow_reaches_the_table(tree):
    root = tree.write(ROWS)
    os.symlink("nowhere", root / "Cropped/lost")
    os.symlink("..", root / "Cropped/up")
    assert {("broken link", "Cropped/lost"), ("link in a circle", "Cropped/up")} <= set(
        codes(load(root, "apex"))
    )


def test_a_large_tree_of_something_else_is_one_error(tmp_path):
    for folder in range(300):
        place = tmp_path / str(folder % 10) / f"{folder}" / "x"
        place.mkdir(parents=True)
        for number in range(20):
            (place / f"{number}.csv").touch()
    with raises_code("release.missing", tmp_path):
        load(tmp_path, "apex")
