"""Which of the tables lying beside a release is its coding sheet.

Releases come with up to four sheets, users add exports of their own, and anything else may lie around. The
name decides first, the columns after; a table that cannot be read is in nobody's way beside a good one.
"""

from __future__ import annotations

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
        raise ValueError(f"the coding sheet is missing: no {kinds} file at or below {tree.root}. {OBTAIN}")
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
            raise ValueError(
                f"one coding sheet is accepted; {tree.root} holds different ones: {names}. Keep one."
            )
        if good:
            used = next(iter(good))
            return _found(used, good[used], ordered, faults, tree=tree)
    first, *rest = ordered
    others = named([tree.relative(path) for path in rest])
    also = f" Nor is one of these a coding sheet: {others}." if rest else ""
    raise ValueError(f"{faults[first]}.{also} {OBTAIN}")


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
