"""Choose the coding sheet among the tables in and near a release.

Releases come with up to four sheets, and users add exports and other tables. The file name decides first, the
columns second. An unreadable table is skipped if a readable one of the same rank exists.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from datasets.casme2.coding_sheet import CodingSheet, read_coding_sheet
from datasets.casme2.constants import ACCESS_INSTRUCTIONS, TABLE_SUFFIXES
from datasets.errors import DatasetError
from datasets.io.directory_tree import DirectoryTree
from datasets.spec import Anomaly
from datasets.text import sanitize, summarize_names

MAX_TABLES = 50
"""Maximum number of tables that are opened to find the coding sheet."""

PARENT_LEVELS = 3
"""Folders above the root that are searched for a coding sheet, to suggest a better root."""

# The edition of 2014 comes first because the paper used it.
_NAME_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (r".*coding\W?_?2014.*", r".*coding\W?_?2019.*", r".*coding.*", r".*label\W?_?ver\W?_?2.*")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetChoice:
    """The coding sheet, its path below the root, a note on the choice, and anomalies for unusable sheets."""

    sheet: CodingSheet
    relative_path: str
    note: str
    anomalies: tuple[Anomaly, ...]


def choose_sheet(tables: Sequence[Path], *, tree: DirectoryTree) -> SheetChoice:
    """Choose the table with the best name that has the columns; copies with the same rows count once.

    Raises:
        DatasetError: There is no table, no table is a coding sheet, or several of the same rank differ.
    """
    if not tables:
        suffixes = ", ".join(TABLE_SUFFIXES)
        raise DatasetError(
            "coding-sheet.missing",
            f"the coding sheet is missing: no {suffixes} file at or below {tree.root}. "
            f"{suggest_parent_folder(tree.root)}",
        )
    candidates = sorted(
        tables, key=lambda path: (_rank_table(path), len(path.parts), tree.relative_to_root(path))
    )
    errors: dict[Path, str] = {}
    for _, tier_paths in groupby(candidates[:MAX_TABLES], key=_rank_table):
        sheets: dict[Path, CodingSheet] = {}
        for path in tier_paths:
            try:
                sheets[path] = read_coding_sheet(path)
            except ValueError as error:
                errors[path] = str(error)
        if len({sheet.rows for sheet in sheets.values()}) > 1:
            names = summarize_names([tree.relative_to_root(path) for path in sheets], max_names=20)
            folders = dict.fromkeys(path.parent for path in sheets)
            only_subfolders = len(folders) > 1 and tree.root not in folders
            folder_list = ", ".join(sanitize(str(folder), max_length=4096) for folder in folders)
            remedy = f"Name one of these folders: {folder_list}" if only_subfolders else "Keep one"
            raise DatasetError(
                "coding-sheet.several",
                f"one coding sheet is accepted; {tree.root} holds different ones: {names}. {remedy}.",
            )
        if sheets:
            sheet_path = next(iter(sheets))
            return _make_sheet_choice(sheet_path, sheets[sheet_path], candidates, errors, tree=tree)
    first, *rest = candidates
    others = summarize_names([tree.relative_to_root(path) for path in rest])
    others_note = f" These are no coding sheets either: {others}." if rest else ""
    raise DatasetError("coding-sheet.unusable", f"{errors[first]}.{others_note} {ACCESS_INSTRUCTIONS}")


def suggest_parent_folder(root: Path) -> str:
    """Suggest a parent folder that holds a coding sheet or, if there is none, how to get the data."""
    for folder in root.parents[:PARENT_LEVELS]:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if Path(name).suffix.lower() in TABLE_SUFFIXES and _rank_table(Path(name))[0] < len(
                _NAME_PATTERNS
            ):
                return f"Name the folder above, {folder}, which holds the coding sheet {sanitize(name)}."
    return ACCESS_INSTRUCTIONS


def _rank_table(path: Path) -> tuple[int, int]:
    """Return the rank of a table, lower is better: by file name, then a workbook before a CSV export."""
    tier = next(
        (index for index, pattern in enumerate(_NAME_PATTERNS) if pattern.fullmatch(path.stem)),
        len(_NAME_PATTERNS),
    )
    return tier, TABLE_SUFFIXES.index(path.suffix.lower()) if tier < len(_NAME_PATTERNS) else 0


def _make_sheet_choice(
    sheet_path: Path,
    sheet: CodingSheet,
    candidates: Sequence[Path],
    errors: dict[Path, str],
    *,
    tree: DirectoryTree,
) -> SheetChoice:
    """Return the choice with its note; unusable files named like a coding sheet become anomalies."""
    name = tree.relative_to_root(sheet_path)
    others = summarize_names(
        [tree.relative_to_root(path) for path in candidates if path != sheet_path], max_names=20
    )
    note = f"sheet: {sanitize(name)}" + (f" (not used: {others})" if others else "")
    anomalies = tuple(
        Anomaly(
            code="unusable sheet",
            location=sanitize(tree.relative_to_root(path)),
            description=sanitize(error.replace(str(path), path.name), max_length=400),
            action=f"{sanitize(name)} was read in its place",
        )
        for path, error in errors.items()
        if _rank_table(path)[0] < len(_NAME_PATTERNS)
    )
    return SheetChoice(sheet=sheet, relative_path=name, note=note, anomalies=anomalies)
