"""Tests that synthetic sets are recognised as synthetic from any of their folders."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.catalogue import SYNTHETIC, ensure_synthetic_set, get_default_frame_policy, load_dataset
from datasets.preprocessing.image_array import preprocess_images
from datasets.spec import SampleTable
from datasets.synthetic.generator import SyntheticSpec
from datasets.synthetic.layouts import LAYOUTS
from datasets.synthetic_marker import MARKER, has_marker
from tests.datasets.conftest import Casme2Tree


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def read(name: str, root: Path) -> SampleTable:
    return load_dataset(name, get_default_frame_policy(name, ("subject",)), root=root)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_are_recognized_by_the_tree_and_its_parent(
    synthetic_set: Callable[..., Path], layout: str
) -> None:
    synthetic_sets = synthetic_set(layout)
    for root in (synthetic_sets, synthetic_sets.parent):
        table = read(LAYOUTS[layout].dataset, root)
        assert table.synthetic
        assert table.notes[0].startswith("synthetic faces, not the real release")
        assert MARKER in table.notes[0]
        assert table.anomalies == ()


@pytest.mark.parametrize("layout", ["ck48", "ck-h5", "ck-csv"])
def test_release_folder_as_root_is_recognized(synthetic_set: Callable[..., Path], layout: str) -> None:
    table = read("ckplus", synthetic_set(layout) / LAYOUTS[layout].folder)
    assert table.synthetic
    assert table.anomalies == ()


@pytest.mark.parametrize(("layout", "size"), [("casme2", {"clips": 26}), ("ck-official", {"subjects": 6})])
def test_nesting_and_quirks_do_not_hide_the_marker(
    synthetic_set: Callable[..., Path], layout: str, size: dict[str, int]
) -> None:
    table = read(LAYOUTS[layout].dataset, synthetic_set(layout, quirks=True, **size))
    assert table.synthetic
    assert not any(MARKER in anomaly.location for anomaly in table.anomalies)


def test_release_folder_outside_its_tree_is_recognized(
    synthetic_set: Callable[..., Path], tmp_path: Path
) -> None:
    shutil.copytree(synthetic_set() / "Cropped", tmp_path / "mine" / "faces")
    shutil.copy(synthetic_set() / "CASME2-coding-20140508.xlsx", tmp_path / "mine")
    assert read("casme2", tmp_path / "mine").synthetic
    shutil.copytree(synthetic_set("ck48") / "CK+48", tmp_path / "CK+48")
    assert read("folder", tmp_path / "CK+48").synthetic


def test_link_to_a_release_folder_is_resolved(synthetic_set: Callable[..., Path], tmp_path: Path) -> None:
    release = shutil.copytree(synthetic_set("ck48"), tmp_path / "set") / "CK+48"
    (release / MARKER).unlink()
    (tmp_path / "link").symlink_to(release)
    assert read("ckplus", tmp_path / "link").synthetic


def test_class_folder_of_a_synthetic_set_is_synthetic(synthetic_set: Callable[..., Path]) -> None:
    table = read("folder", synthetic_set("ck48") / "CK+48")
    assert table.synthetic
    assert table.anomalies == ()


def test_real_set_is_not_marked_synthetic(tree: Casme2Tree, synthetic_set: Callable[..., Path]) -> None:
    root = tree.write([(1, "EP01", 1, 2, 4, "fear"), (2, "EP02", 7, 8, 9, "disgust")])
    table = read("casme2", root)
    assert not table.synthetic
    assert not any("drawn" in note for note in table.notes)
    # A synthetic set below the same root does not mark a real one as synthetic.
    shutil.copytree(synthetic_set("ck48"), root / "beside")
    assert not read("casme2", root).synthetic
    assert read("ckplus", root).synthetic


def test_unreadable_folder_is_not_marked(tmp_path: Path) -> None:
    assert not has_marker([])
    assert not has_marker([str(tmp_path / "gone" / "1.png")])
    (tmp_path / MARKER).mkdir()
    assert not has_marker([str(tmp_path / "1.png")])


def test_synthetic_set_without_marker_is_recreated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "datasets.synthetic.generator.DEMO", SyntheticSpec(subjects=1, clips=6, frames=3, balance=True)
    )
    assert (ensure_synthetic_set() / MARKER).is_file()
    for marker in ensure_synthetic_set().rglob(MARKER):
        os.unlink(marker)
    table = load_dataset(SYNTHETIC, "onset_offset")
    assert table.synthetic
    assert table.notes[0].startswith("synthetic faces")


def test_marker_changes_the_fingerprint(synthetic_set: Callable[..., Path]) -> None:
    table = read("ckplus", synthetic_set("ck48"))
    unmarked = replace(table, synthetic=False)
    assert preprocess_images(table, size=8).fingerprint != preprocess_images(unmarked, size=8).fingerprint
    assert preprocess_images(table, size=8).table.synthetic
