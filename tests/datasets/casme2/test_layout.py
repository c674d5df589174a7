from pathlib import Path

import pytest

from datasets.casme2.clip_files import Casme2Release, ClipFiles
from datasets.casme2.coding_sheet import SheetRow
from datasets.casme2.layout import check_releases, choose_release, detect_layout
from datasets.io.directory_tree import DirectoryTree
from tests.error_codes import raises_code

ROOT = Path("/data")


def row(name, onset="5", offset="8"):
    return SheetRow(
        line_number=2, subject="sub01", filename=name, onset=onset, apex="6", offset=offset, emotion="fear"
    )


def release(form, folder="x", **clips):
    takes = {
        ("sub01", name): ClipFiles(frame_paths=dict.fromkeys(numbers, "")) for name, numbers in clips.items()
    }
    return Casme2Release(folder=ROOT / folder, form=form, files_by_clip=takes)


ROWS = [row("EP01"), row("EP02"), row("EP03"), row("EP04", onset="x"), row("EP09")]
INSIDE, BEFORE, AFTER = range(5, 9), range(4, 9), range(5, 10)
RAW = release("img", "r", EP01=BEFORE, EP02=AFTER, EP03=INSIDE, EP07=INSIDE)
SELECTED = release("img", "s", EP01=INSIDE, EP02=INSIDE, EP03=AFTER, EP04=AFTER, EP07=AFTER)
CROPPED = release("cropped", "c", EP01=BEFORE, EP02=BEFORE)
COMPRESSED = release("compressed", "v")


def test_the_raw_layouts_are_told_apart_by_the_frames_beyond_most_clips_ends():
    assert detect_layout(RAW, ROWS) == "raw"
    assert detect_layout(SELECTED, ROWS) == "raw_selected"


def test_half_of_the_clips_is_not_most():
    assert detect_layout(release("img", EP01=BEFORE, EP02=INSIDE), ROWS) == "raw_selected"


def test_empty_folders_and_rows_without_numbers_tell_nothing():
    assert detect_layout(release("img", EP01=BEFORE, EP02=(), EP04=INSIDE), ROWS) == "raw"
    assert detect_layout(release("img", EP07=BEFORE), ROWS) == "raw_selected"


def test_the_other_layouts_are_told_by_their_names_alone():
    assert detect_layout(CROPPED, ROWS) == "cropped"
    assert detect_layout(COMPRESSED, ROWS) == "compressed"


@pytest.mark.parametrize(
    ("there", "layout"),
    [
        ([RAW, COMPRESSED, SELECTED, CROPPED], "cropped"),
        ([RAW, COMPRESSED, SELECTED], "raw_selected"),
        ([COMPRESSED, RAW], "raw"),
        ([COMPRESSED], "compressed"),
    ],
)
def test_the_best_layout_is_read_unless_one_is_named(there, layout):
    assert choose_release(there, ROWS, layout="", tree=DirectoryTree(ROOT)).layout == layout


@pytest.mark.parametrize(
    ("layout", "folder"), [("raw", "r"), ("raw_selected", "s"), ("compressed", "v"), ("cropped", "c")]
)
def test_the_layout_named_is_read(layout, folder):
    picked = choose_release(
        [RAW, COMPRESSED, SELECTED, CROPPED], ROWS, layout=layout, tree=DirectoryTree(ROOT)
    )
    assert (picked.layout, picked.release.folder) == (layout, ROOT / folder)


def test_a_note_says_what_was_used_and_what_was_not():
    assert choose_release([COMPRESSED, RAW, CROPPED], ROWS, layout="", tree=DirectoryTree(ROOT)).note == (
        "release: cropped in c (not used: raw in r, compressed in v)"
    )
    assert choose_release([RAW], ROWS, layout="raw", tree=DirectoryTree(ROOT)).note == "release: raw in r"


def test_a_layout_that_is_not_there_is_an_error_that_says_what_is():
    with raises_code("casme2-layout.missing", "raw", "sub01/EP02_01f/img1.jpg", "cropped in c"):
        choose_release([CROPPED], ROWS, layout="raw", tree=DirectoryTree(ROOT))


def test_two_of_the_layout_that_is_read_are_an_error_that_names_both():
    twin = release("cropped", "d", EP01=INSIDE)
    with raises_code("casme2-release.several", "cropped", "2: /data/c, /data/d"):
        choose_release([twin, RAW, CROPPED], ROWS, layout="", tree=DirectoryTree(ROOT))
    assert choose_release([twin, RAW, CROPPED], ROWS, layout="raw", tree=DirectoryTree(ROOT)).release is RAW


def test_no_release_and_an_unknown_layout_are_errors():
    with raises_code("casme2-release.missing", "/data", "reg_img46.jpg", "EP02_01f.avi", "4 levels"):
        check_releases([], "", tree=DirectoryTree(ROOT))
    with raises_code("casme2-layout.unknown", "'RAW'", "cropped, raw_selected, raw, compressed"):
        check_releases([RAW], "RAW", tree=DirectoryTree(ROOT))
    check_releases([RAW], "cropped", tree=DirectoryTree(ROOT))
