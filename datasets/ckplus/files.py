"""CK+ on disk: which of its layouts lie below a folder, and where; copies differ in nesting and names.

Nothing is looked for by a fixed folder name: the official images are the folder of S005/001/ with frames in
it, its labels the same with label files, CK+48 the folder of class folders with frames. A container is told
by its name and ending alone, so that a tree of anything else is not opened file by file.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.ckplus import labels as ckplus_labels
from datasets.ckplus.facts import LAYOUTS, OBTAIN
from datasets.ckplus.names import IMAGE_LIKE, LABEL_LIKE, class_of, frame_of, labelled_by, some, subject_id
from datasets.tree import LEVELS, Listing, Tree

_NAMED_CK = re.compile(r"(?:.*[^a-z])?ck(?:[^a-z]|data|extended|plus).*", re.IGNORECASE)
_KINDS = {".h5": "h5", ".hdf5": "h5", ".csv": "csv"}

LOOKED_FOR = (
    f"images like S005/001/{IMAGE_LIKE} with labels like S005/001/{LABEL_LIKE}, class folders like "
    "happy/S010_004_00000017.png, CK_data.h5, ckextended.csv"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What lies below `root`: the places of each layout, and of the official labels, the upper ones first.

    `tree` names them: it starts at `root`, or at the folder that `root` lies in where that is a file.
    """

    root: Path
    tree: Tree
    places: dict[str, list[Path]]

    def named(self, places: Iterable[Path]) -> str:
        """Places as texts name them."""
        return some([self.tree.relative(place) for place in places])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The layout to read: its folder or container, and the official one's folder of labels."""

    layout: str
    path: Path
    labels: Path | None
    note: str


def survey(root: Path) -> Survey:
    """Look for every layout at most four levels below `root`, or take `root` for a container.

    Raises:
        ValueError: `root` is not there, or is a file that is no container.
    """
    root = root.expanduser().absolute()
    places: dict[str, list[Path]] = {kind: [] for kind in (*LAYOUTS, "labels")}
    if not os.path.exists(root):
        raise ValueError(f"the data must exist: there is no {root}. {OBTAIN}")
    if root.is_file():
        if root.suffix.lower() not in _KINDS:
            raise ValueError(
                f"the data must be a folder, an .h5 or a .csv: {root} is another file; name its folder."
            )
        places[_KINDS[root.suffix.lower()]].append(root)
        return Survey(root=root, tree=Tree(root.parent), places=places)
    tree = Tree(root)
    for folder, listing in tree.walk():
        for kind in _kinds(tree, listing):
            places[kind].append(folder)
        for path in listing.files:
            if (kind := _KINDS.get(os.path.splitext(path.name)[1].lower(), "")) and _NAMED_CK.fullmatch(
                path.name
            ):
                places[kind].append(path)
    return Survey(root=root, tree=tree, places=places)


def _kinds(tree: Tree, listing: Listing) -> list[str]:
    """The layouts, or "labels", of which a folder with these contents is a place."""
    subjects = [child for child in listing.folders if subject_id(child.name)]
    classes = [child for child in listing.folders if class_of(child.name)]
    takes = [take for subject in subjects for take in tree.listed(subject).folders]
    return [
        kind
        for kind, folders, told in (
            ("official", takes, frame_of),
            ("labels", takes, labelled_by),
            ("ck48", classes, frame_of),
        )
        if _any_named(tree, folders, told=told)
    ]


def _any_named(tree: Tree, folders: Sequence[Path], *, told: Callable[[str], object | None]) -> bool:
    return any(told(path.name) for folder in folders for path in tree.listed(folder).files)


def choose(found: Survey, layout: str) -> Place:
    """The place to read: `layout`'s, or the preferred one's where that is ""; copies of one file count once.

    Raises:
        ValueError: nothing usable was found, or not in this layout, or several of equal standing.
    """
    present = [kind for kind in LAYOUTS if found.places[kind]]
    usable = [kind for kind in present if kind != "official" or found.places["labels"]]
    if not usable or (layout and layout not in usable):
        raise ValueError(_nothing(found, layout, usable=usable))
    used = layout or usable[0]
    path = _one(found, used)
    labels = _one(found, "labels") if used == "official" else None
    left = {kind if kind in usable else f"{kind} without labels": found.places[kind] for kind in present}
    left[used] = []
    left["a copy"] = found.places[used][1:]
    left["a copy of the labels"] = found.places["labels"][1:] if labels else []
    others = "; ".join(f"{kind} in {found.named(places)}" for kind, places in left.items() if places)
    where = found.tree.relative(path)
    parts = f"images in {where}, labels in {found.tree.relative(labels)}" if labels else f"in {where}"
    note = f"layout: {used}, {parts}" + (f" (not used: {others})" if others else "")
    return Place(layout=used, path=path, labels=labels, note=note)


def _nothing(found: Survey, layout: str, *, usable: Sequence[str]) -> str:
    """Why there is nothing to read."""
    sought = f"no CK+ in the layout {layout}" if layout else "no CK+"
    half = ""
    if found.places["official"] and not found.places["labels"]:
        half = f" There are images, in {found.named(found.places['official'])}, but no label files."
    elif found.places["labels"] and not found.places["official"]:
        half = f" There are labels, in {found.named(found.places['labels'])}, but no images."
    if layout and usable:
        return f"{sought} in {found.root}; found: {', '.join(usable)}.{half} Name one of these, or none."
    unread = [f"{anomaly.where} ({anomaly.code})" for anomaly in found.tree.anomalies]
    left = f" Not looked into: {some(unread)}." if unread else ""
    return (
        f"{sought} in {found.root} (looked for {LOOKED_FOR}, up to {LEVELS} levels down; a container of "
        f"another name is read when it is named itself).{half}{left} {OBTAIN}"
    )


def _one(found: Survey, kind: str) -> Path:
    """The first of a kind's places; raises ValueError where another one differs from it."""
    places = found.places[kind]
    if len({os.path.realpath(place) for place in places}) > 1 and not _same(found.tree, places, kind=kind):
        raise ValueError(
            f"one {'folder of labels' if kind == 'labels' else f'release in the layout {kind}'} is accepted; "
            f"{found.root} holds {len(places)}: {found.named(places)}. Name what holds one, or keep one."
        )
    return places[0]


def _same(tree: Tree, places: Sequence[Path], *, kind: str) -> bool:
    """Whether places hold the same: label files of the same labels, containers of the same bytes."""
    if kind == "labels":
        first, *rest = (ckplus_labels.read(tree, place)[0] for place in places)
        return all(labels == first for labels in rest)
    if kind not in _KINDS.values():
        return False
    try:
        alike = len({os.path.getsize(path) for path in places}) == 1
        return alike and len({_digest(path) for path in places}) == 1
    except OSError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
