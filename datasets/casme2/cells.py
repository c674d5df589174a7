"""A sheet's file to its cells as text, within bounds: .xlsx, .xls or .csv, whatever its suffix promises.

A coding sheet is 30 kB. A file far beyond that, packed or unpacked, is not opened, so that nothing that lies
beside the release can take the machine's memory.
"""

from __future__ import annotations

import csv
import io
import os
import warnings
import zipfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import openpyxl
import xlrd  # type: ignore[import-untyped]

from datasets.text import shown

SEPARATORS = ",;\t"
MOST_BYTES = 20_000_000
"""Hundreds of times what a coding sheet holds."""

MOST_UNPACKED = 10_000_000
"""Thirty times what a coding sheet unpacks to; XML of this size takes seconds to read and 100 MB."""

MOST_ROWS = 10_000
"""The sheet has 256."""

MOST_COLUMNS = 64
"""The sheet has 9; columns beyond these are not read."""

_SHEETS = 5
_LONGEST_REASON = 400

Grid = list[list[str]]


def grids(path: Path) -> list[Grid]:
    """Every table a file holds, as rows of stripped text: a workbook's sheets, a CSV by each separator.

    Formulas give the values that were saved with them.

    Raises:
        ValueError: the file is too large, or it cannot be read as what it is.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ValueError(f"it holds {size} bytes, more than the {MOST_BYTES} that are opened")
        with path.open("rb") as file:
            magic = file.read(4)
        if magic == b"PK\3\4":
            return _xlsx(path)
        return _xls(path) if path.suffix.lower() != ".csv" else _csv(path.read_bytes())
    except Exception as error:
        # Three parsers of other people's files, which raise whatever a damaged one makes them stumble over.
        kind = "a .csv table" if path.suffix.lower() == ".csv" else f"an {path.suffix.lower()} workbook"
        reason = shown(str(error) or type(error).__name__, longest=_LONGEST_REASON)
        raise ValueError(f"the sheet must be {kind}: cannot read {path} ({reason})") from error


def _xlsx(path: Path) -> list[Grid]:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MOST_UNPACKED:
        raise ValueError(f"it unpacks to {unpacked} bytes, more than the {MOST_UNPACKED} that are read")
    with path.open("rb") as file, warnings.catch_warnings():
        # It warns of formatting that it does not keep, which is none of ours.
        warnings.simplefilter("ignore")
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            return [
                _bounded(sheet.iter_rows(values_only=True, max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS))
                for sheet in workbook.worksheets[:_SHEETS]
            ]
        finally:
            workbook.close()


def _xls(path: Path) -> list[Grid]:
    with open(os.devnull, "w", encoding="utf-8") as silence:
        workbook = xlrd.open_workbook(path, logfile=silence, on_demand=True)
        try:
            sheets = (workbook.sheet_by_index(index) for index in range(min(workbook.nsheets, _SHEETS)))
            return [_bounded(map(_values, sheet.get_rows())) for sheet in sheets]
        finally:
            workbook.release_resources()


def _values(row: Iterable[Any]) -> list[object]:
    """A row's values; an .xls keeps whole numbers as fractions and errors such as #N/A as numbers."""
    return [
        "#ERROR"
        if cell.ctype == xlrd.XL_CELL_ERROR
        else int(cell.value)
        if cell.ctype == xlrd.XL_CELL_NUMBER and float(cell.value).is_integer()
        else cell.value
        for cell in row
    ]


def _csv(data: bytes) -> list[Grid]:
    if b"\0" in data:
        raise ValueError("it holds NUL bytes, as no text does; save it as CSV UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return [
        _bounded(csv.reader(io.StringIO(text, newline=""), delimiter=separator)) for separator in SEPARATORS
    ]


def _bounded(rows: Iterable[Iterable[object]]) -> Grid:
    """Rows as text; raises ValueError where there are more than a coding sheet could have."""
    grid = [
        ["" if cell is None else str(cell).strip() for cell in islice(row, MOST_COLUMNS)]
        for row in islice(rows, MOST_ROWS + 1)
    ]
    while grid and not any(grid[-1]):
        grid.pop()
    if len(grid) > MOST_ROWS:
        raise ValueError(f"it holds more than the {MOST_ROWS} rows that are read")
    return grid
