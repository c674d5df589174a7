import os
from pathlib import Path
from typing import Any

import pytest

from datasets.casme2.constants import ACCESS_INSTRUCTIONS, FACTS
from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.release_search import find_releases
from tests.datasets.conftest import Casme2Tree
from tests.error_codes import raises_code


def places(root: Path) -> list[tuple[str, str]]:
    tree = DirectoryTree(root)
    releases, _ = find_releases(tree, facts=FACTS)
    return [(release.form, tree.relative_to_root(release.folder)) for release in releases]


@pytest.mark.parametrize(
    "below", [".", "Cropped", "Cropped/Cropped", "CASME2_preprocessed_Li Xiaobai/a/b/Cropped"]
)
def test_nested_release_is_detected(tree: Casme2Tree, below: str) -> None:
    tree.clip("sub01/EP02_01f", [46], below=below)
    assert places(tree.root) == [("cropped", below)]


def test_release_five_levels_down_is_ignored(tree: Casme2Tree) -> None:
    tree.clip("sub01/EP02_01f", [46], below="a/b/c/d/e")
    assert places(tree.root) == []


def test_tables_next_to_and_below_subjects_are_listed_without_lock_files(tree: Casme2Tree) -> None:
    tree.clip("sub01/EP02_01f", [46], below="Cropped")
    names = (
        "Cropped/b.xlsx",
        "a.XLSX",
        "notes/c.xlsx",
        "e.xls",
        "f.csv",
        "~$a.xlsx",
        ".d.xlsx",
        "g.ods",
        "Cropped/sub01/h.csv",
    )
    for name in names:
        (tree.root / name).parent.mkdir(exist_ok=True)
        (tree.root / name).touch()
    _, tables = find_releases(DirectoryTree(tree.root), facts=FACTS)
    found = sorted(str(path.relative_to(tree.root)) for path in tables)
    assert found == ["Cropped/b.xlsx", "a.XLSX", "e.xls", "f.csv", "notes/c.xlsx"]


def test_every_release_is_listed(tree: Casme2Tree) -> None:
    tree.clip("sub01/EP02_01f", [46], below="old")
    tree.clip("1/EP02_01f", [46], below="new/new")
    (tree.root / "RAW" / "sub01" / "EP02_01f").mkdir(parents=True)
    (tree.root / "RAW" / "sub01" / "EP02_01f" / "img46.jpg").touch()
    (tree.root / "avi" / "sub01").mkdir(parents=True)
    (tree.root / "avi" / "sub01" / "EP02_01f.avi").touch()
    assert places(tree.root) == [
        ("img", "RAW"),
        ("compressed", "avi"),
        ("cropped", "old"),
        ("cropped", "new/new"),
    ]


def test_missing_root_or_file_as_root_is_an_error(tmp_path: Path) -> None:
    with raises_code("release-root.missing", tmp_path / "nowhere", ACCESS_INSTRUCTIONS):
        find_releases(DirectoryTree(tmp_path / "nowhere"), facts=FACTS)
    (tmp_path / "file").touch()
    with raises_code("release-root.not-a-folder", tmp_path / "file"):
        find_releases(DirectoryTree(tmp_path / "file"), facts=FACTS)
    assert "casme.psych.ac.cn" in ACCESS_INSTRUCTIONS


def test_release_with_two_links_is_one(tree: Casme2Tree) -> None:
    tree.clip("sub01/EP02_01f", [46], below="Cropped")
    os.symlink("Cropped", tree.root / "current")
    assert places(tree.root) == [("cropped", "Cropped")]


def test_circular_links_end(tree: Casme2Tree) -> None:
    tree.clip("sub01/EP02_01f", [46], below="Cropped")
    for number in range(20):
        (tree.root / f"d{number}").mkdir()
        for other in range(20):
            os.symlink(f"../d{other}", tree.root / f"d{number}" / f"l{other}")
        os.symlink("..", tree.root / f"d{number}" / "up")
    made = DirectoryTree(tree.root)
    releases, _ = find_releases(made, facts=FACTS)
    assert len(releases) == 1
    assert {anomaly.code for anomaly in made.anomalies} == {"link in a circle"}
    assert sum(anomaly.location.endswith("/up") for anomaly in made.anomalies) == 20


def test_folder_that_cannot_be_opened_is_listed(tree: Casme2Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.clip("sub01/EP02_01f", [46], below="Cropped")
    (tree.root / "locked").mkdir()
    whole = os.scandir

    # Root, who runs the tests in a container, can open everything.
    def scandir(path: Path) -> Any:
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return whole(path)

    monkeypatch.setattr(os, "scandir", scandir)
    made = DirectoryTree(tree.root)
    assert len(find_releases(made, facts=FACTS)[0]) == 1
    assert [(anomaly.code, anomaly.location) for anomaly in made.anomalies] == [
        ("unreadable folder", "locked")
    ]


def test_other_numbered_folders_are_no_release(tmp_path: Path) -> None:
    for name in ("1/2/photo.jpg", "12/34/56.png", "sub01/notes/imgs.txt", "3/clip.mp4"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert places(tmp_path) == []
