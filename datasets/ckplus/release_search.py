"""Find the layouts of CK+ below a folder; copies differ in nesting and names.

The search uses no fixed folder name. The official images are in the folder whose subject and sequence folders
(S005/001/) hold frames, the official labels in such a folder with label files, and CK+48 in the folder whose
class folders hold frames. A container is recognized by its name and suffix only, so that no unrelated file is
opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.ckplus import labels as ckplus_labels
from datasets.ckplus.constants import ACCESS_INSTRUCTIONS, LAYOUTS
from datasets.ckplus.file_names import (
    EXAMPLE_IMAGE,
    EXAMPLE_LABEL,
    format_names,
    parse_class,
    parse_frame_name,
    parse_label_name,
    parse_subject,
)
from datasets.errors import DatasetError
from datasets.io.directory_tree import MAX_DEPTH, DirectoryTree, Listing
from datasets.io.file_digest import compute_sha256

_CONTAINER_NAME = re.compile(r"(?:.*[^a-z])?ck(?:[^a-z]|data|extended|plus).*", re.IGNORECASE)
_CONTAINER_KINDS = {".h5": "h5", ".hdf5": "h5", ".csv": "csv"}

EXAMPLE_PATHS = (
    f"images like S005/001/{EXAMPLE_IMAGE} with labels like S005/001/{EXAMPLE_LABEL}, class folders like "
    "happy/S010_004_00000017.png, CK_data.h5, ckextended.csv"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSearch:
    """The result of a search: the paths of each layout, and of "labels", upper levels first.

    `tree` starts at `root`, or at its parent folder if `root` is a file.
    """

    root: Path
    tree: DirectoryTree
    paths: dict[str, list[Path]]

    def format_paths(self, paths: Iterable[Path]) -> str:
        """Return the paths relative to the tree, as one text."""
        return format_names([self.tree.relative_to_root(path) for path in paths])


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutChoice:
    """The layout to read: its folder or container, and the label folder of the official layout."""

    layout: str
    path: Path
    labels: Path | None
    note: str


def search_releases(root: Path) -> ReleaseSearch:
    """Search for every layout at most `MAX_DEPTH` levels below `root`; a file `root` must be a container.

    Raises:
        DatasetError: `root` does not exist, or is a file but not a container.
    """
    root = root.expanduser().absolute()
    paths: dict[str, list[Path]] = {kind: [] for kind in (*LAYOUTS, "labels")}
    if not os.path.exists(root):
        raise DatasetError(
            "ckplus-root.missing", f"the data must exist: there is no {root}. {ACCESS_INSTRUCTIONS}"
        )
    if root.is_file():
        if root.suffix.lower() not in _CONTAINER_KINDS:
            raise DatasetError(
                "ckplus-root.other-file",
                f"the data must be a folder, an .h5 or a .csv: {root} is another file; name its folder.",
            )
        paths[_CONTAINER_KINDS[root.suffix.lower()]].append(root)
        return ReleaseSearch(root=root, tree=DirectoryTree(root.parent), paths=paths)
    tree = DirectoryTree(root)
    for folder, listing in tree.walk():
        for kind in _detect_kinds(tree, listing):
            paths[kind].append(folder)
        for path in listing.files:
            if (
                kind := _CONTAINER_KINDS.get(os.path.splitext(path.name)[1].lower(), "")
            ) and _CONTAINER_NAME.fullmatch(path.name):
                paths[kind].append(path)
    return ReleaseSearch(root=root, tree=tree, paths=paths)


def _detect_kinds(tree: DirectoryTree, listing: Listing) -> list[str]:
    """Return the layouts, or "labels", that a folder with this listing holds."""
    subject_folders = [child for child in listing.folders if parse_subject(child.name)]
    class_folders = [child for child in listing.folders if parse_class(child.name)]
    sequence_folders = [
        sequence_folder
        for subject_folder in subject_folders
        for sequence_folder in tree.list_folder(subject_folder).folders
    ]
    return [
        kind
        for kind, folders, parse_name in (
            ("official", sequence_folders, parse_frame_name),
            ("labels", sequence_folders, parse_label_name),
            ("ck48", class_folders, parse_frame_name),
        )
        if _has_matching_file(tree, folders, parse_name=parse_name)
    ]


def _has_matching_file(
    tree: DirectoryTree, folders: Sequence[Path], *, parse_name: Callable[[str], object | None]
) -> bool:
    return any(parse_name(path.name) for folder in folders for path in tree.list_folder(folder).files)


def choose_layout(search: ReleaseSearch, layout: str) -> LayoutChoice:
    """Choose what to read: the given layout, or, for "", the preferred one; identical copies count once.

    Raises:
        DatasetError: Nothing usable was found, or not in this layout, or several different copies.
    """
    present_kinds = [kind for kind in LAYOUTS if search.paths[kind]]
    usable_kinds = [kind for kind in present_kinds if kind != "official" or search.paths["labels"]]
    if not usable_kinds or (layout and layout not in usable_kinds):
        raise DatasetError(
            "ckplus-release.missing", _explain_missing_release(search, layout, usable_kinds=usable_kinds)
        )
    target_kind = layout or usable_kinds[0]
    path = _get_single_path(search, target_kind)
    labels = _get_single_path(search, "labels") if target_kind == "official" else None
    unused_paths = {
        kind if kind in usable_kinds else f"{kind} without labels": search.paths[kind]
        for kind in present_kinds
    }
    unused_paths[target_kind] = []
    unused_paths["a copy"] = search.paths[target_kind][1:]
    unused_paths["a copy of the labels"] = search.paths["labels"][1:] if labels else []
    others = "; ".join(
        f"{kind} in {search.format_paths(paths)}" for kind, paths in unused_paths.items() if paths
    )
    location = search.tree.relative_to_root(path)
    location_note = (
        f"images in {location}, labels in {search.tree.relative_to_root(labels)}"
        if labels
        else f"in {location}"
    )
    note = f"layout: {target_kind}, {location_note}" + (f" (not used: {others})" if others else "")
    return LayoutChoice(layout=target_kind, path=path, labels=labels, note=note)


def _explain_missing_release(search: ReleaseSearch, layout: str, *, usable_kinds: Sequence[str]) -> str:
    """Return the error message if there is nothing to read."""
    target = f"no CK+ in the layout {layout}" if layout else "no CK+"
    partial_note = ""
    if search.paths["official"] and not search.paths["labels"]:
        partial_note = (
            f" There are images, in {search.format_paths(search.paths['official'])}, but no label files."
        )
    elif search.paths["labels"] and not search.paths["official"]:
        partial_note = f" There are labels, in {search.format_paths(search.paths['labels'])}, but no images."
    if layout and usable_kinds:
        kinds = ", ".join(usable_kinds)
        return (
            f"{target} in {search.root}; found: {kinds}.{partial_note} Name one of these layouts, or omit "
            "the layout."
        )
    unread_folders = [f"{anomaly.location} ({anomaly.code})" for anomaly in search.tree.anomalies]
    unread_note = f" Not searched: {format_names(unread_folders)}." if unread_folders else ""
    return (
        f"{target} in {search.root} (looked for {EXAMPLE_PATHS}, up to {MAX_DEPTH} levels down; to read a "
        "container of another name, name the file itself)."
        f"{partial_note}{unread_note} {ACCESS_INSTRUCTIONS}"
    )


def _get_single_path(search: ReleaseSearch, kind: str) -> Path:
    """Return the first path of a kind; raise DatasetError if another one differs from it."""
    paths = search.paths[kind]
    if len({os.path.realpath(path) for path in paths}) > 1 and not _have_same_content(
        search.tree, paths, kind=kind
    ):
        target = "folder of labels" if kind == "labels" else f"release in the layout {kind}"
        raise DatasetError(
            "ckplus-release.several",
            f"one {target} is accepted; {search.root} holds {len(paths)}: {search.format_paths(paths)}. "
            "Name a folder that holds only one, or keep one.",
        )
    return paths[0]


def _have_same_content(tree: DirectoryTree, paths: Sequence[Path], *, kind: str) -> bool:
    """Return True for label folders with equal labels, and for containers with equal bytes."""
    if kind == "labels":
        first, *rest = (ckplus_labels.read_labels(tree, folder)[0] for folder in paths)
        return all(labels == first for labels in rest)
    if kind not in _CONTAINER_KINDS.values():
        return False
    try:
        same_size = len({os.path.getsize(path) for path in paths}) == 1
        return same_size and len({compute_sha256(path) for path in paths}) == 1
    except OSError:
        return False
