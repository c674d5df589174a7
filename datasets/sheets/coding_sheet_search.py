"""Choose the coding sheet among the tables in and near a release.

Releases come with up to four sheets, and users add exports and other tables. The file name decides first, the
columns second. An unreadable table is skipped if a readable one of the same rank exists.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from datasets.errors import DatasetError
from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.coding_sheet import CodingSheet, read_coding_sheet
from datasets.sheets.facts import TABLE_SUFFIXES, SheetFacts
from datasets.sheets.spreadsheet import NamedGrid
from datasets.spec import Anomaly
from datasets.text import sanitize, summarize_names

MAX_TABLES = 50
"""Maximum number of tables that are opened to find the coding sheet."""

PARENT_LEVELS = 3
"""Folders above the root that are searched for a coding sheet, to suggest a better root."""


TableSelection = Callable[[list[NamedGrid]], list[NamedGrid]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetChoice:
    """The coding sheet, its path below the root, a note on the choice, and anomalies for unusable sheets."""

    sheet: CodingSheet
    relative_path: str
    note: str
    anomalies: tuple[Anomaly, ...]


def choose_sheet(
    tables: Sequence[Path],
    *,
    facts: SheetFacts,
    tree: DirectoryTree,
    select_tables: TableSelection = list,
) -> SheetChoice:
    """Choose the table with the best name that has the columns; copies with the same rows count once.

    `select_tables` is as in `read_coding_sheet`.

    Raises:
        DatasetError: There is no table, no table is a coding sheet, or several of the same rank differ.
    """
    if not tables:
        suffixes = ", ".join(TABLE_SUFFIXES)
        raise DatasetError(
            "coding-sheet.missing",
            f"the coding sheet is missing: no {suffixes} file at or below {tree.root}. "
            f"{suggest_parent_folder(tree.root, facts)}",
        )
    patterns = facts.sheet_patterns
    candidates = sorted(
        tables, key=lambda path: (_rank_table(path, patterns), len(path.parts), tree.relative_to_root(path))
    )
    errors: dict[Path, str] = {}
    for _, tier_paths in groupby(candidates[:MAX_TABLES], key=lambda path: _rank_table(path, patterns)):
        sheets: dict[Path, CodingSheet] = {}
        for path in tier_paths:
            try:
                sheets[path] = read_coding_sheet(path, facts=facts, select_tables=select_tables)
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
            note = _describe_choice(sheet_path, candidates, tree=tree)
            return SheetChoice(
                sheet=sheets[sheet_path],
                relative_path=tree.relative_to_root(sheet_path),
                note=note,
                anomalies=_list_unusable_sheets(sheet_path, errors, patterns=patterns, tree=tree),
            )
    first, *rest = candidates
    others = summarize_names([tree.relative_to_root(path) for path in rest])
    others_note = f" These files are not coding sheets either: {others}." if rest else ""
    raise DatasetError("coding-sheet.unusable", f"{errors[first]}.{others_note} {facts.access_instructions}")


def suggest_parent_folder(root: Path, facts: SheetFacts) -> str:
    """Suggest a parent folder that holds a coding sheet or, if there is none, how to get the data."""
    for folder in root.parents[:PARENT_LEVELS]:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if Path(name).suffix.lower() in TABLE_SUFFIXES and is_named_as_sheet(Path(name), facts):
                return f"Name the folder above, {folder}, which holds the coding sheet {sanitize(name)}."
    return facts.access_instructions


def is_named_as_sheet(path: Path, facts: SheetFacts) -> bool:
    """Return True if the file name is that of one of the data set's coding sheets."""
    return any(pattern.fullmatch(path.stem) for pattern in facts.sheet_patterns)


def _rank_table(path: Path, patterns: Sequence[re.Pattern[str]]) -> tuple[int, int]:
    """Return the rank of a table, lower is better: by file name, then a workbook before a CSV export."""
    tier = next(
        (index for index, pattern in enumerate(patterns) if pattern.fullmatch(path.stem)), len(patterns)
    )
    return tier, TABLE_SUFFIXES.index(path.suffix.lower()) if tier < len(patterns) else 0


def _describe_choice(sheet_path: Path, candidates: Sequence[Path], *, tree: DirectoryTree) -> str:
    """Return the note on the chosen sheet and the tables that are not used."""
    others = summarize_names(
        [tree.relative_to_root(path) for path in candidates if path != sheet_path], max_names=20
    )
    name = sanitize(tree.relative_to_root(sheet_path))
    return f"sheet: {name}" + (f" (not used: {others})" if others else "")


def _list_unusable_sheets(
    sheet_path: Path, errors: Mapping[Path, str], *, patterns: Sequence[re.Pattern[str]], tree: DirectoryTree
) -> tuple[Anomaly, ...]:
    """Return an anomaly for each unusable file that is named like a coding sheet."""
    return tuple(
        Anomaly(
            code="unusable sheet",
            location=sanitize(tree.relative_to_root(path)),
            description=sanitize(error.replace(str(path), path.name), max_length=400),
            action=f"{sanitize(tree.relative_to_root(sheet_path))} was read in its place",
        )
        for path, error in errors.items()
        if _rank_table(path, patterns)[0] < len(patterns)
    )
