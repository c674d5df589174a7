"""Any user's own images as a data set: class folders, or a CSV that names each image and its class.

Class folders are `<class>/[<subject>/[<clip>/]]<image>` (`datasets.folder.classes`); a CSV has the columns
path and label, and subject, clip and frame if known (`datasets.folder.csv`). Where both are there the CSV
is read. What is not told stays unknown: protocols over subjects or clips then refuse.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.classes import chosen
from datasets.folder import classes as folder_classes
from datasets.folder import csv as folder_csv
from datasets.folder.class_names import report_class_names
from datasets.folder.clips import consistent, numbered
from datasets.folder.facts import FORMS, FRAMES, LAYOUTS
from datasets.folder.rows import Faults, Row, unwritable
from datasets.spec import Picture, Sample, SampleTable
from datasets.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """The folder to read, its CSV if it is that which is read, a note on the choice, and CSVs passed over."""

    tree: Tree
    table: Path | None
    note: str
    unread: tuple[Path, ...] = ()


def load(root: Path, frames: str, *, classes: Sequence[str] = (), layout: str = "") -> SampleTable:
    """Read the images below `root`, a folder or a CSV; `frames` is "all", the one policy.

    `classes` chooses from the class names found, () means all; `layout` is one of `LAYOUTS` or "" for the
    CSV if there is one. Names of classes, subjects and clips are taken as they stand, without white space
    around them; classes are ordered by code point. Samples are ordered by subject, clip, frame and path.

    Raises:
        ValueError: neither form is found, or more than one CSV; the CSV cannot be read or names only one of
            path and label; fewer than two classes have a usable image; an unknown policy, layout or class.
    """
    for what, value, accepted in (("frames", frames, FRAMES), ("layout", layout or "csv", LAYOUTS)):
        if value not in accepted:
            raise ValueError(f"unknown {what} {value!r} of folder; accepted: {', '.join(accepted)}")
    root = Path(os.path.expanduser(root)).absolute()
    source = _found(root, layout)
    faults = Faults()
    for sheet in source.unread:
        what = f"its first line does not name the columns {' and '.join(folder_csv.NEEDED)}"
        faults.add("CSV not read", sheet.name, what=what, action="the folders were read as classes")
    rows: list[Row]
    rows, notes = (
        (folder_classes.read(source.tree, faults), ())
        if source.table is None
        else folder_csv.read(source.table, faults)
    )
    rows = numbered(consistent(rows, faults), faults)
    report_class_names(rows, faults)
    names = sorted({row.label for row in rows})
    if len(names) < 2:
        of = f", all of the class {names[0]}" if names else ""
        raise ValueError(
            f"a study needs usable images of at least two classes; {root} holds {len(rows)}{of} "
            f"({source.note}). {FORMS}{faults.summary()}"
        )
    used = chosen(classes, usual=names, accepted=names, dataset="folder")
    samples = _samples([row for row in rows if row.label in used], used)
    return SampleTable(
        dataset="folder",
        frames=frames,
        classes=used,
        samples=samples,
        anomalies=faults.anomalies(),
        notes=(source.note, *notes, *_notes(rows, samples, used)),
        layout="csv" if source.table else "classes",
    )


def _found(root: Path, layout: str) -> _Source:
    """Which form lies at `root`."""
    if unwritable(str(root)):
        raise ValueError(
            f"the path of the data must be printable text, got {str(root)!r}; rename the folder."
        )
    if not os.path.exists(root):
        raise ValueError(f"the data must exist: there is no {root}. {FORMS}")
    if not os.path.isdir(root):
        if root.suffix.lower() != ".csv" or not os.path.isfile(root) or layout == "classes":
            wanted = "a folder of class folders" if layout == "classes" else "a folder or a CSV"
            raise ValueError(f"the data must be {wanted}: {root} is none. {FORMS}")
        return _Source(tree=Tree(root.parent), table=root, note=f"layout: csv, {root.name}")
    tree = Tree(root)
    if layout == "classes":
        return _Source(tree=tree, table=None, note="layout: class folders, as asked for")
    listing = tree.listed(root)
    sheets = [file for file in listing.files if file.suffix.lower() == ".csv" and not unwritable(file.name)]
    lacking = {sheet: folder_csv.lacking(sheet) for sheet in sheets}
    tables = [sheet for sheet, missing in lacking.items() if not missing]
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables[:5])
        raise ValueError(
            f"one CSV with the columns path and label is accepted; {root} holds {len(tables)}: {names}. Name "
            "one by --root, or ask for the layout classes."
        )
    if tables:
        beside = "; folders beside it were not read as classes" if listing.folders else ""
        return _Source(tree=tree, table=tables[0], note=f"layout: csv, {tables[0].name}{beside}")
    # Who names one of the two columns has meant a list of images; any other CSV may lie beside folders.
    meant = [sheet for sheet, missing in lacking.items() if len(missing) < len(folder_csv.NEEDED)]
    if layout == "csv" or meant:
        faults = [f"{sheet.name} lacks {' and '.join(lacking[sheet])}" for sheet in (meant or sheets)[:5]]
        without = f": {', '.join(faults)}" if faults else ""
        otherwise = "" if layout else " To read the folders beside it, ask for the layout classes."
        raise ValueError(f"no CSV with the columns path and label in {root}{without}. {FORMS}{otherwise}")
    return _Source(tree=tree, table=None, note="layout: class folders", unread=tuple(sheets))


def _samples(rows: Sequence[Row], classes: Sequence[str]) -> tuple[Sample, ...]:
    """The rows as samples, in order."""
    labels = {name: label for label, name in enumerate(classes)}
    ordered = sorted(rows, key=lambda row: (row.subject, row.clip, row.frame or 0, row.id))
    onsets: dict[str, Picture] = {}
    for row in ordered:
        if row.clip:
            onsets.setdefault(row.clip, Picture(row.path))
    return tuple(
        Sample(
            id=row.id,
            path=row.path,
            label=labels[row.label],
            subject=row.subject,
            clip=row.clip,
            frame=row.frame or 0,
            onset=onsets.get(row.clip),
        )
        for row in ordered
    )


def _notes(rows: Sequence[Row], samples: Sequence[Sample], used: Sequence[str]) -> tuple[str, ...]:
    """What is known of the images, which were not chosen, and how faces are taken."""
    notes = []
    for what, names in (
        ("subject", [sample.subject for sample in samples]),
        ("clip", [sample.clip for sample in samples]),
    ):
        unknown, known = names.count(""), len(set(names) - {""})
        missing = f", not known of {unknown} of {len(names)} images" if unknown else ""
        notes.append(f"{what}s: {known}{missing}" if known else f"{what}s: none are told")
    aside = sorted({row.label for row in rows} - set(used))
    if aside:
        count = len(rows) - len(samples)
        notes.append(f"classes left out, as others were asked for: {', '.join(aside)} ({count} images)")
    notes.append("faces are taken as they lie in the images; --align haar finds and crops them first")
    return tuple(notes)
