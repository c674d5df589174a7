"""Which of the tables lying beside a release is its coding sheet.

Releases come with up to four sheets, users add exports of their own, and anything else may lie around. The
name decides first, the columns after; a table that cannot be read is in nobody's way beside a good one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from datasets.casme2.facts import OBTAIN, TABLES
from datasets.casme2.sheet import Sheet, read
from datasets.spec import Anomaly
from datasets.text import named, shown
from datasets.tree import Tree

OPENED = 50
"""How many tables are opened at most to find the coding sheet."""

ABOVE = 3
"""How many folders above the root are searched for the coding sheet where there is none below."""

# The edition of 2014 comes first because the paper used it.
_NAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (r".*coding\W?_?2014.*", r".*coding\W?_?2019.*", r".*coding.*", r".*label\W?_?ver\W?_?2.*")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The coding sheet, the name of its file below the root, a note on the choice, and sheets at fault."""

    sheet: Sheet
    name: str
    note: str
    anomalies: tuple[Anomaly, ...]


def choose(tables: Sequence[Path], *, tree: Tree) -> Found:
    """The best table by name that has the columns; copies with the same rows count once.

    Raises:
        ValueError: there is no table, none is a coding sheet, or several of equal standing differ.
    """
    if not tables:
        kinds = ", ".join(TABLES)
        raise ValueError(
            f"the coding sheet is missing: no {kinds} file at or below {tree.root}. {sheet_above(tree.root)}"
        )
    ordered = sorted(tables, key=lambda path: (_standing(path), len(path.parts), tree.relative(path)))
    faults: dict[Path, str] = {}
    for _, rivals in groupby(ordered[:OPENED], key=_standing):
        good: dict[Path, Sheet] = {}
        for path in rivals:
            try:
                good[path] = read(path)
            except ValueError as error:
                faults[path] = str(error)
        if len({sheet.rows for sheet in good.values()}) > 1:
            names = named([tree.relative(path) for path in good], most=20)
            folders = dict.fromkeys(path.parent for path in good)
            apart = len(folders) > 1 and tree.root not in folders
            places = ", ".join(shown(str(folder), longest=4096) for folder in folders)
            remedy = f"Name one of these folders: {places}" if apart else "Keep one"
            raise ValueError(
                f"one coding sheet is accepted; {tree.root} holds different ones: {names}. {remedy}."
            )
        if good:
            used = next(iter(good))
            return _found(used, good[used], ordered, faults, tree=tree)
    first, *rest = ordered
    others = named([tree.relative(path) for path in rest])
    also = f" Nor is one of these a coding sheet: {others}." if rest else ""
    raise ValueError(f"{faults[first]}.{also} {OBTAIN}")


def sheet_above(root: Path) -> str:
    """What to do about a root that lies too low: where the sheet is, or how to obtain the data."""
    for folder in root.parents[:ABOVE]:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if Path(name).suffix.lower() in TABLES and _standing(Path(name))[0] < len(_NAMES):
                return f"Name the folder above, {folder}, which holds the coding sheet {shown(name)}."
    return OBTAIN


def _standing(path: Path) -> tuple[int, int]:
    """Lower is better: by what the name says, then a workbook before what was exported from it."""
    tier = next((place for place, name in enumerate(_NAMES) if name.fullmatch(path.stem)), len(_NAMES))
    return tier, TABLES.index(path.suffix.lower()) if tier < len(_NAMES) else 0


def _found(
    used: Path, sheet: Sheet, ordered: Sequence[Path], faults: dict[Path, str], *, tree: Tree
) -> Found:
    """The choice with its note; a sheet that should have been one of the release's and was none is listed."""
    name = tree.relative(used)
    others = named([tree.relative(path) for path in ordered if path != used], most=20)
    note = f"sheet: {shown(name)}" + (f" (not used: {others})" if others else "")
    anomalies = tuple(
        Anomaly(
            code="unusable sheet",
            where=shown(tree.relative(path)),
            what=shown(fault.replace(str(path), path.name), longest=400),
            action=f"{shown(name)} was read in its place",
        )
        for path, fault in faults.items()
        if _standing(path)[0] < len(_NAMES)
    )
    return Found(sheet=sheet, name=name, note=note, anomalies=anomalies)
