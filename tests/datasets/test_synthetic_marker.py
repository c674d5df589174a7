"""Tests that synthetic sets are recognised as synthetic from any of their folders."""

import os
import shutil
from dataclasses import replace

import pytest

from datasets.catalogue import SYNTHETIC, ensure_synthetic_set, get_default_frame_policy, load_dataset
from datasets.preprocessing.image_array import preprocess_images
from datasets.synthetic.generator import SyntheticSpec
from datasets.synthetic.layouts import LAYOUTS
from datasets.synthetic_marker import MARKER, has_marker


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def read(name, root):
    return load_dataset(name, get_default_frame_policy(name, ("subject",)), root=root)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_known_by_the_tree_and_by_what_it_lies_in(synthetic_set, layout):
    made = synthetic_set(layout)
    for root in (made, made.parent):
        table = read(LAYOUTS[layout].dataset, root)
        assert table.synthetic
        assert table.notes[0].startswith("synthetic faces, not the real release")
        assert MARKER in table.notes[0]
        assert table.anomalies == ()


@pytest.mark.parametrize("layout", ["ck48", "ck-h5", "ck-csv"])
def test_the_release_named_by_itself_is_known_too(synthetic_set, layout):
    table = read("ckplus", synthetic_set(layout) / LAYOUTS[layout].folder)
    assert table.synthetic
    assert table.anomalies == ()


@pytest.mark.parametrize(("layout", "size"), [("casme2", {"clips": 26}), ("ck-official", {"subjects": 6})])
def test_nesting_and_oddities_do_not_hide_it(synthetic_set, layout, size):
    table = read(LAYOUTS[layout].dataset, synthetic_set(layout, quirks=True, **size))
    assert table.synthetic
    assert not any(MARKER in anomaly.location for anomaly in table.anomalies)


def test_a_release_folder_taken_out_of_its_tree_still_says_so(synthetic_set, tmp_path):
    shutil.copytree(synthetic_set() / "Cropped", tmp_path / "mine" / "faces")
    shutil.copy(synthetic_set() / "CASME2-coding-20140508.xlsx", tmp_path / "mine")
    assert read("casme2", tmp_path / "mine").synthetic
    shutil.copytree(synthetic_set("ck48") / "CK+48", tmp_path / "CK+48")
    assert read("folder", tmp_path / "CK+48").synthetic


def test_a_link_to_a_release_folder_is_followed_to_where_it_really_lies(synthetic_set, tmp_path):
    release = shutil.copytree(synthetic_set("ck48"), tmp_path / "set") / "CK+48"
    (release / MARKER).unlink()
    (tmp_path / "link").symlink_to(release)
    assert read("ckplus", tmp_path / "link").synthetic


def test_read_as_anyones_own_images_it_is_drawn_and_lists_no_oddity(synthetic_set):
    table = read("folder", synthetic_set("ck48") / "CK+48")
    assert table.synthetic
    assert table.anomalies == ()


def test_what_is_not_drawn_is_not_said_to_be(tree, synthetic_set):
    root = tree.write([(1, "EP01", 1, 2, 4, "fear"), (2, "EP02", 7, 8, 9, "disgust")])
    table = read("casme2", root)
    assert not table.synthetic
    assert not any("drawn" in note for note in table.notes)
    # A synthetic set below the same root does not mark a real one as synthetic.
    shutil.copytree(synthetic_set("ck48"), root / "beside")
    assert not read("casme2", root).synthetic
    assert read("ckplus", root).synthetic


def test_a_folder_that_cannot_be_looked_into_marks_nothing(tmp_path):
    assert not has_marker([])
    assert not has_marker([str(tmp_path / "gone" / "1.png")])
    (tmp_path / MARKER).mkdir()
    assert not has_marker([str(tmp_path / "1.png")])


def test_the_synthetic_set_is_drawn_even_where_its_mark_has_gone(monkeypatch):
    monkeypatch.setattr(
        "datasets.synthetic.generator.DEMO", SyntheticSpec(subjects=1, clips=6, frames=3, balance=True)
    )
    assert (ensure_synthetic_set() / MARKER).is_file()
    for marker in ensure_synthetic_set().rglob(MARKER):
        os.unlink(marker)
    table = load_dataset(SYNTHETIC, "onset_offset")
    assert table.synthetic
    assert table.notes[0].startswith("synthetic faces")


def test_runs_of_drawn_faces_never_stand_for_the_same_bytes_without_a_mark(synthetic_set):
    table = read("ckplus", synthetic_set("ck48"))
    unmarked = replace(table, synthetic=False)
    assert preprocess_images(table, size=8).fingerprint != preprocess_images(unmarked, size=8).fingerprint
    assert preprocess_images(table, size=8).table.synthetic
