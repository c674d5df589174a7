from pathlib import Path

import pytest

from datasets.io.directory_tree import MAX_DEPTH, DirectoryTree
from datasets.synthetic_marker import MARKER


def _write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def test_listing_is_sorted_and_separates_files_from_folders(tmp_path: Path) -> None:
    _write(tmp_path, "b.png", "a.png", "sub02/x.png", "sub01/x.png")

    listing = DirectoryTree(tmp_path).list_folder(tmp_path)

    assert [path.name for path in listing.files] == ["a.png", "b.png"]
    assert [path.name for path in listing.folders] == ["sub01", "sub02"]


@pytest.mark.parametrize(
    "name", [".DS_Store", "._a.png", "~$sheet.xlsx", "__MACOSX/a.png", "thumbs.DB", "x.lnk", MARKER]
)
def test_listing_omits_junk(tmp_path: Path, name: str) -> None:
    _write(tmp_path, name)

    tree = DirectoryTree(tmp_path)
    listing = tree.list_folder(tmp_path)

    assert (listing.files, listing.folders, tree.anomalies) == ((), (), [])


def test_folder_is_read_only_on_first_access(tmp_path: Path) -> None:
    _write(tmp_path, "a.png")
    tree = DirectoryTree(tmp_path)
    first = tree.list_folder(tmp_path)

    _write(tmp_path, "b.png")

    assert tree.list_folder(tmp_path) is first


def test_walk_yields_levels_down_to_the_maximum_depth(tmp_path: Path) -> None:
    _write(tmp_path, "a/b/x", "c/x", "/".join(["deep"] * (MAX_DEPTH + 2)))
    tree = DirectoryTree(tmp_path)

    assert [tree.relative_to_root(folder) for folder, _ in tree.walk(max_depth=1)] == [".", "a", "c", "deep"]
    depths = [len(folder.relative_to(tmp_path).parts) for folder, _ in tree.walk()]
    assert depths == sorted(depths)
    assert max(depths) == MAX_DEPTH


def test_missing_folder_is_an_empty_listing_and_an_anomaly(tmp_path: Path) -> None:
    tree = DirectoryTree(tmp_path)

    listing = tree.list_folder(tmp_path / "gone")

    assert (listing.files, listing.folders) == ((), ())
    assert [(anomaly.code, anomaly.location) for anomaly in tree.anomalies] == [("unreadable folder", "gone")]


def test_link_below_the_root_is_followed(tmp_path: Path) -> None:
    _write(tmp_path, "sub01/a.png")
    (tmp_path / "sub02").symlink_to("sub01")
    tree = DirectoryTree(tmp_path)

    assert [path.name for path in tree.list_folder(tmp_path / "sub02").files] == ["a.png"]
    assert [path.name for path in tree.list_folder(tmp_path).folders] == ["sub01", "sub02"]
    assert not tree.anomalies


@pytest.mark.parametrize(
    ("target", "code"),
    [("gone", "broken link"), ("../outside", "link out of the root"), (".", "link in a circle")],
)
def test_link_that_is_not_followed_is_an_anomaly(tmp_path: Path, target: str, code: str) -> None:
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(target)
    tree = DirectoryTree(root)

    assert not tree.list_folder(root).folders
    assert [(anomaly.code, anomaly.location) for anomaly in tree.anomalies] == [(code, "link")]
