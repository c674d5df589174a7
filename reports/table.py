"""Tables, figures and sentences of a report as values, independent of how they are rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A table cell: the `text` shown, its numeric `value` (None: not a number), and the keys of its runs."""

    text: str
    value: float | None = None
    run_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sentence of a report, and the keys of the runs from which its numbers were computed.

    `code` is a command that belongs to the sentence and follows it, "" if there is none.
    """

    text: str
    code: str = ""
    run_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Findings on a study as a list, after a sentence on its progress if there is one."""

    study_name: str
    findings: tuple[Statement, ...]
    progress: Statement | None = None

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The sentences in order."""
        return (*((self.progress,) if self.progress else ()), *self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled grid with notes below it; `paper_items` names its counterparts in the paper.

    `row_keys` holds the run key of each row in a table of runs; () in other tables.
    """

    id: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    paper_items: tuple[str, ...] = ()
    row_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            assert len(row) == len(self.header), (self.id, len(row), len(self.header))

    def is_numeric(self, column: int) -> bool:
        """Return True if any cell of the column holds a number; such columns are right-aligned."""
        return any(row[column].value is not None for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFigure:
    """A figure of a report: its image file relative to the report, its caption, and its alternative text.

    `run_keys` are the keys of the runs that it shows; () if it shows no run. `draw` writes the figure to a
    path in the format of the path's suffix, .png or .pdf; None if the file exists already. `is_narrow` is
    True for a figure that fits one column of a paper.
    """

    id: str
    title: str
    file: str
    alt_text: str
    run_keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    paper_items: tuple[str, ...] = ()
    draw: Callable[[Path], None] | None = field(default=None, compare=False)
    is_narrow: bool = False
