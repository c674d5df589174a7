"""Tests of every layout of the release, from the files on disk to one sample table."""

import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from datasets.casme2.loader import FRAME_POLICIES, LAYOUTS, load
from datasets.spec import ImageRef, SampleTable
from tests.datasets.conftest import Casme2Tree
from tests.error_codes import raises_code

ROWS: list[tuple[Any, ...]] = [
    ("01", "EP03", 8, 9, 11, "happiness"),
    (1, "EP02", 7, 10, 10, "happiness"),
    (1, "EP04", 9, "/", 10, "disgust"),
    (2, "EP02", 8, 8, 9, "happiness"),
    (2, "EP05", 1, 2, 3, "others"),
]


def write_video(path: Path, frames: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 200, (64, 48))
    for _ in range(frames):
        writer.write(np.zeros((48, 64, 3), dtype=np.uint8))
    writer.release()


def write_layout(root: Path, layout: str, with_cropped: bool = False) -> Path:
    """Write the clips of the cropped release in another layout; its full clips end three frames later."""
    if layout == "cropped":
        return root
    for clip in root.glob("Cropped/Cropped/*/*"):
        numbers = [int(path.stem.removeprefix("reg_img")) for path in clip.iterdir()]
        folder = root / "CASME2" / layout / clip.parent.name / clip.name
        if layout == "compressed":
            write_video(folder.with_name(f"{folder.name}.avi"), max(numbers) + 3)
            continue
        folder.mkdir(parents=True)
        for number in range(1, max(numbers) + 4) if layout == "raw" else numbers:
            (folder / f"img{number}.jpg").touch()
    if not with_cropped:
        shutil.rmtree(root / "Cropped")
    return root


def locate_frame(layout: str, clip: str, frame: int) -> tuple[str, int]:
    """Return the path of a frame relative to the root."""
    if layout == "compressed":
        return f"CASME2/compressed/{clip}.avi", frame - 1
    prefix, name = ("Cropped/Cropped", "reg_img") if layout == "cropped" else (f"CASME2/{layout}", "img")
    return f"{prefix}/{clip}/{name}{frame}.jpg", -1


def describe_ref(image_ref: ImageRef, root: Path) -> tuple[str, int]:
    return Path(image_ref.path).relative_to(root).as_posix(), image_ref.frame_index


def codes(table: SampleTable) -> list[tuple[str, str]]:
    return sorted((anomaly.code, anomaly.location) for anomaly in table.anomalies)


@pytest.mark.parametrize("frames", FRAME_POLICIES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_samples(tree: Casme2Tree, frames: str, layout: str) -> None:
    expected = load(tree.write(ROWS), frames)
    write_layout(tree.root, layout)
    table = load(tree.root, frames)
    assert (table.layout, table.is_aligned) == (layout, layout == "cropped")
    assert [sample.id for sample in table.samples] == [sample.id for sample in expected.samples]
    assert [sample.role for sample in table.samples] == [sample.role for sample in expected.samples]
    assert codes(table) == codes(expected)
    for sample in table.samples:
        onset = next(
            row[2] for row in ROWS if sample.clip.endswith(row[1]) and int(row[0]) == int(sample.subject[3:])
        )
        assert describe_ref(sample.image_ref, tree.root) == locate_frame(
            layout, sample.clip, sample.frame_number
        )
        assert sample.onset_ref is not None
        assert describe_ref(sample.onset_ref, tree.root) == locate_frame(layout, sample.clip, onset)


def test_cropped_layout_is_preferred_unless_another_is_named(tree: Casme2Tree) -> None:
    root = tree.write(ROWS)
    for layout in ("raw", "compressed"):
        write_layout(root, layout, with_cropped=True)
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


def test_renamed_subjects_and_deep_nesting_change_no_id(tree: Casme2Tree) -> None:
    expected = load(tree.write(ROWS), "onset_offset")
    deep = tree.root / "CASME2_preprocessed_Li Xiaobai" / "Cropped"
    deep.mkdir(parents=True)
    (tree.root / "Cropped/Cropped").rename(deep / "Cropped")
    (tree.root / "Cropped").rmdir()
    (deep / "Cropped/sub01").rename(deep / "Cropped/1")
    (deep / "Cropped/sub02").rename(deep / "Cropped/02")
    table = load(tree.root, "onset_offset")
    assert [sample.id for sample in table.samples] == [sample.id for sample in expected.samples]


def test_onset_is_the_first_existing_frame(tree: Casme2Tree) -> None:
    root = tree.write(ROWS[:1])
    (root / "Cropped/Cropped/sub01/EP03/reg_img8.jpg").unlink()
    (sample,) = load(root, "apex").samples
    assert sample.onset_ref == ImageRef(sample.path)


def test_videos_that_cannot_be_read_or_are_short_are_listed(tree: Casme2Tree) -> None:
    root = write_layout(tree.write(ROWS), "compressed")
    (root / "CASME2/compressed/sub01/EP02.avi").write_bytes(b"RIFF")
    write_video(root / "CASME2/compressed/sub01/EP03.avi", 9)
    table = load(root, "onset_offset")
    assert [sample.frame_number for sample in table.samples if sample.clip == "sub01/EP03"] == [8, 9]
    assert ("unreadable video", "sub01/EP02") in codes(table)
    assert ("missing frames", "sub01/EP03") in codes(table)


def test_papers_frames_of_other_classes_or_layouts_are_noted(tree: Casme2Tree) -> None:
    root = tree.write([(24, name, 1, 2, 3, "sadness") for name in ("EP07_01", "EP07_04f", "EP10_03")])
    assert any("has six classes" in note for note in load(root, "paper", classes=("fear", "sadness")).notes)
    write_layout(root, "raw")
    raw = load(root, "paper")
    assert any("Cropped release" in note and "raw" in note for note in raw.notes)
    assert raw.expected_sample_counts == ()


def test_junk_next_to_the_release_changes_nothing(tree: Casme2Tree) -> None:
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


def test_broken_links_reach_the_table(tree: Casme2Tree) -> None:
    root = tree.write(ROWS)
    os.symlink("nowhere", root / "Cropped/lost")
    os.symlink("..", root / "Cropped/up")
    assert {("broken link", "Cropped/lost"), ("link in a circle", "Cropped/up")} <= set(
        codes(load(root, "apex"))
    )


def test_large_tree_of_other_files_is_an_error(tmp_path: Path) -> None:
    for folder in range(300):
        folder_path = tmp_path / str(folder % 10) / f"{folder}" / "x"
        folder_path.mkdir(parents=True)
        for number in range(20):
            (folder_path / f"{number}.csv").touch()
    with raises_code("release.missing", tmp_path):
        load(tmp_path, "apex")
