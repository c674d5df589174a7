from pathlib import Path

import pytest

from datasets.casme2.constants import FACTS
from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.clip_files import Release
from datasets.sheets.layout_choice import ReleaseChoice, check_releases, choose_release
from tests.error_codes import raises_code

ROOT = Path("/data")


def release(form: str, folder: str) -> Release:
    return Release(folder=ROOT / folder, form=form, files_by_clip={})


RAW, SELECTED = release("raw", "r"), release("raw_selected", "s")
CROPPED, COMPRESSED = release("cropped", "c"), release("compressed", "v")


def choose(releases: list[Release], layout: str) -> ReleaseChoice:
    candidates = [(item.form, item) for item in releases]
    return choose_release(candidates, layout=layout, facts=FACTS, tree=DirectoryTree(ROOT))


@pytest.mark.parametrize(
    ("there", "layout"),
    [
        ([RAW, COMPRESSED, SELECTED, CROPPED], "cropped"),
        ([RAW, COMPRESSED, SELECTED], "raw_selected"),
        ([COMPRESSED, RAW], "raw"),
        ([COMPRESSED], "compressed"),
    ],
)
def test_best_layout_is_read_unless_one_is_named(there: list[Release], layout: str) -> None:
    assert choose(there, "").layout == layout


@pytest.mark.parametrize(
    ("layout", "folder"), [("raw", "r"), ("raw_selected", "s"), ("compressed", "v"), ("cropped", "c")]
)
def test_layout_named_is_read(layout: str, folder: str) -> None:
    picked = choose([RAW, COMPRESSED, SELECTED, CROPPED], layout)
    assert (picked.layout, picked.release.folder) == (layout, ROOT / folder)


def test_note_lists_used_and_unused_releases() -> None:
    assert choose([COMPRESSED, RAW, CROPPED], "").note == (
        "release: cropped in c (not used: raw in r, compressed in v)"
    )
    assert choose([RAW], "raw").note == "release: raw in r"


def test_missing_layout_error_lists_present_ones() -> None:
    with raises_code("release-layout.missing", "raw", "sub01/EP02_01f/img1.jpg", "cropped in c"):
        choose([CROPPED], "raw")


def test_two_releases_of_one_layout_are_an_error_naming_both() -> None:
    twin = release("cropped", "d")
    with raises_code("release.several", "cropped", "2: /data/c, /data/d"):
        choose([twin, RAW, CROPPED], "")
    assert choose([twin, RAW, CROPPED], "raw").release is RAW


def test_no_release_and_an_unknown_layout_are_errors() -> None:
    with raises_code("release.missing", "/data", "reg_img46.jpg", "EP02_01f.avi", "4 levels"):
        check_releases([], "", facts=FACTS, tree=DirectoryTree(ROOT))
    with raises_code("release-layout.unknown", "'RAW'", "cropped, raw_selected, raw, compressed"):
        check_releases([RAW], "RAW", facts=FACTS, tree=DirectoryTree(ROOT))
    check_releases([RAW], "cropped", facts=FACTS, tree=DirectoryTree(ROOT))
