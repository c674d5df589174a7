"""A table as a value: what each cell is, what it shows, and the runs it was computed from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """`value` to compute with (None: nothing measured), `text` to show, `run_keys` to trace it by."""

    text: str
    value: float | None = None
    run_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled grid with notes under it; `paper` names the paper's items that it stands for."""

    id: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    paper_items: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            assert len(row) == len(self.header), (self.id, len(row), len(self.header))

    def is_numeric(self, column: int) -> bool:
        """Whether any cell of the column holds a number, so that it is read from the right."""
        return any(row[column].value is not None for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFigure:
    """A picture of a report: its file beside the report, its caption, and what it shows in words."""

    id: str
    title: str
    file: str
    alt_text: str
    notes: tuple[str, ...] = ()
    paper_items: tuple[str, ...] = ()
