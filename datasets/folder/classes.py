"""A user's own images in class folders: `<class>/[<subject>/[<clip>/]]<image>`.

One folder between class and image is the subject, a second the clip; those below join the clip's name. A
clip folder of one name under two classes is two clips where both hold a frame of the same number, which one
clip cannot; otherwise it may be one clip dealt out over the classes, and is treated as such. Classes that
are all named as people or as parts of a split are read as they stand, and that is said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from datasets.folder.clips import file_number
from datasets.folder.rows import LONGEST_NAME, Faults, Places, Row, is_image, named, unwritable
from datasets.tree import LEVELS, Tree

_NO_CLASSES = {
    "subjects": re.compile(r"(?:s|sub|subj|subject|p|participant|person)[ _-]?\d+", re.IGNORECASE),
    "parts of a split": re.compile(r"train(?:ing)?|val(?:id|idation)?|test(?:ing)?", re.IGNORECASE),
}


def read(tree: Tree, faults: Faults) -> list[Row]:
    """Every image in a class folder, at most `LEVELS` folders down; what is no such image is in `faults`."""
    rows: list[Row] = []
    places = Places(tree.root)
    for folder, listing in tree.walk():
        parts = folder.relative_to(tree.root).parts
        if len(parts) == LEVELS:
            for child in listing.folders:
                what = f"it lies more than {LEVELS} folders down"
                faults.add("folder too deep", tree.relative(child), what=what, action="it was not read")
        if parts:
            rows += _images(parts, listing.files, faults, places=places)
            continue
        for name in filter(is_image, (file.name for file in listing.files)):
            what = "it lies in no class folder"
            faults.add("image without a class", name, what=what, action="the image was left out")
    for anomaly in tree.anomalies:
        faults.add(anomaly.code, anomaly.where, what=anomaly.what, action=anomaly.action)
    filled = {row.id.split("/", 1)[0] for row in rows}
    for child in tree.listed(tree.root).folders:
        if child.name not in filled:
            what = "no usable image in it"
            faults.add("empty class folder", child.name, what=what, action="the class was left out")
    _doubt(sorted(filled), faults)
    return _told_apart(rows, faults)


def _doubt(names: Sequence[str], faults: Faults) -> None:
    """Note class folders whose names are all of one kind that classes are not."""
    for kind, pattern in _NO_CLASSES.items():
        if names and all(pattern.fullmatch(name.strip()) for name in names):
            what = f"all class folders are named like {kind}"
            action = "they were read as classes; if they are none, name the folder that holds the classes"
            faults.add("classes like " + kind, ", ".join(names), what=what, action=action)


def _images(parts: Sequence[str], files: Sequence[Path], faults: Faults, *, places: Places) -> list[Row]:
    """The images among the files of one folder, to which `parts` lead from the root."""
    rows: list[Row] = []
    label, subject, clip = named(parts[0]), named("".join(parts[1:2])), named("/".join(parts[2:]))
    for file in files:
        where = "/".join((*parts, file.name))
        if unwritable(where) or not label or max(len(label), len(subject), len(clip)) > LONGEST_NAME:
            code, what = "unusable name", "a name of the path is blank, too long or holds control characters"
        elif not is_image(file.name):
            code, what = "no image", "it has not the suffix of an image"
        else:
            rows.append(
                Row(
                    where=where,
                    id=where,
                    path=str(file),
                    real=places.real(str(file)),
                    label=label,
                    written_label=parts[0],
                    subject=subject,
                    clip=clip,
                )
            )
            continue
        faults.add(code, where, what=what, action="the file was left out")
    return rows


def _told_apart(rows: Sequence[Row], faults: Faults) -> list[Row]:
    """The rows, with the class in the name of clips that share theirs with another class's clip."""
    numbers: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        number = file_number(row.id)
        if row.clip and number is not None:
            numbers[row.subject, row.clip][row.label].add(number)
    apart = set()
    for (subject, clip), classes in numbers.items():
        if len(classes) > 1 and all(one & other for one, other in combinations(classes.values(), 2)):
            apart.add((subject, clip))
            what = f"clip folders of this name, with frames of the same number, in {', '.join(classes)}"
            faults.add(
                "one clip name in several classes",
                f"{subject}/{clip}",
                what=what,
                action="taken as different clips",
            )
    return [
        replace(row, clip=f"{row.label}/{row.clip}") if (row.subject, row.clip) in apart else row
        for row in rows
    ]
