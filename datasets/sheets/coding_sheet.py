"""Read a coding sheet: one row of text per clip, in any edition and spelling of the columns.

CASME II's workbook of 2014 has blank columns between the named ones, cells mix numbers and text, and SAMM's
has thirteen lines above the header. Columns are therefore matched by normalized name, and every cell is read
as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datasets.errors import DatasetError
from datasets.sheets.facts import COLUMN_ALIASES, SheetFacts
from datasets.sheets.spreadsheet import Grid, NamedGrid, read_named_tables
from datasets.text import summarize_names

MAX_HEADER_ROWS = 15
"""Number of rows searched for the header; copies have titles and empty rows above it."""

_OBJECTIVE = re.compile(r"objectiveclass(es)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One row: `subject` in normal spelling ("" if unreadable), `emotion` in that of the data set's classes.

    Other cells are unchanged; "" for a column that the sheet lacks.

    `line_number` is ignored in comparisons, so that copies of a sheet compare equal.
    """

    line_number: int = field(compare=False)
    subject: str
    filename: str
    onset: str
    apex: str
    offset: str
    emotion: str
    second_onset: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Subject and file name, which identify a clip together: file names recur across subjects."""
        return self.subject, self.filename


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingSheet:
    """The rows of a sheet in order, and the name of its column of objective classes, "" if it has none."""

    rows: tuple[SheetRow, ...]
    objective_column: str = ""


def read_coding_sheet(
    path: Path,
    *,
    facts: SheetFacts,
    select_tables: Callable[[list[NamedGrid]], list[NamedGrid]] = list,
) -> CodingSheet:
    """Read every row that names a clip from the first table of the file that has the columns.

    `select_tables` returns the tables to search, from all tables of the file.

    Raises:
        DatasetError: The file cannot be read, none of its tables has the columns, or it names no clip.
    """
    tables = select_tables(read_named_tables(path))
    failures: list[tuple[int, str]] = []
    for _, grid in tables:
        for index, header in enumerate(grid[:MAX_HEADER_ROWS]):
            columns, objective_column = _find_columns(header)
            missing = [name for name in facts.columns if name not in columns]
            if not missing:
                rows = _build_rows(grid, header_index=index, columns=columns, facts=facts)
                if not rows:
                    raise DatasetError(
                        "coding-sheet.no-rows",
                        f"the sheet {path} must name clips; it has no row below its header: copy it again",
                    )
                return CodingSheet(rows=rows, objective_column=objective_column)
            header_names = summarize_names([name for name in header if name], max_names=20) or "none"
            failures.append((len(missing), f"missing: {', '.join(missing)}; found: {header_names}"))
    nearest = min(failures, key=lambda failure: failure[0])[1] if failures else "it is empty"
    raise DatasetError(
        "coding-sheet.missing-columns",
        f"the sheet {path} must have the columns {', '.join(facts.columns)}; {nearest}",
    )


def _find_columns(header: Sequence[str]) -> tuple[dict[str, int], str]:
    """Return the index of each known column in a header, and the name of its column of objective classes."""
    column_by_name: dict[str, int] = {}
    objective_column = ""
    for column, name in enumerate(header):
        normal_name = re.sub(r"[^a-z0-9]", "", name.lower())
        column_by_name.setdefault(normal_name, column)
        objective_column = objective_column or (name if _OBJECTIVE.fullmatch(normal_name) else "")
    columns = {
        name: next((column_by_name[alias] for alias in aliases if alias in column_by_name), -1)
        for name, aliases in COLUMN_ALIASES.items()
    }
    return {name: column for name, column in columns.items() if column >= 0}, objective_column


def _build_rows(
    grid: Grid, *, header_index: int, columns: dict[str, int], facts: SheetFacts
) -> tuple[SheetRow, ...]:
    rows: list[SheetRow] = []
    for line_number, cells in enumerate(grid[header_index + 1 :], start=header_index + 2):
        subject, filename, onset, apex, offset, emotion, second_onset = (
            cells[columns[name]] if name in columns and columns[name] < len(cells) else ""
            for name in COLUMN_ALIASES
        )
        # A workbook keeps formatted but empty rows below its last clip.
        if subject or filename:
            rows.append(
                SheetRow(
                    line_number=line_number,
                    subject=facts.parse_subject(subject),
                    filename=filename,
                    onset=onset,
                    apex=apex,
                    offset=offset,
                    emotion=facts.parse_emotion(emotion),
                    second_onset=second_onset,
                )
            )
    return tuple(rows)
