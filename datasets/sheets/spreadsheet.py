"""Read the cells of a spreadsheet (.xlsx, .xls or .csv) as text, within size limits.

A coding sheet has 30 kB. A much larger file, packed or unpacked, is rejected, so that an unrelated file near
the release cannot exhaust the memory.
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

from datasets.errors import DatasetError
from datasets.text import sanitize

SEPARATORS = ",;\t"
MAX_BYTES = 20_000_000
"""Hundreds of times the size of a coding sheet."""

MAX_UNPACKED_BYTES = 10_000_000
"""Thirty times the unpacked size of a coding sheet; XML of this size takes seconds and 100 MB to parse."""

MAX_ROWS = 10_000
"""A coding sheet has 256."""

MAX_COLUMNS = 64
"""A coding sheet has 9; further columns are not read."""

_MAX_SHEETS = 5
_MAX_REASON_LENGTH = 400

Grid = list[list[str]]
NamedGrid = tuple[str, Grid]


def read_tables(path: Path) -> list[Grid]:
    """Read every table of a file as rows of stripped text; see `read_named_tables`.

    Raises:
        DatasetError: The file is too large or cannot be read.
    """
    return [grid for _, grid in read_named_tables(path)]


def read_named_tables(path: Path) -> list[NamedGrid]:
    """Read every table of a file: a workbook's sheets with their names, or a CSV by each separator ("").

    The content decides whether a file is an .xlsx workbook, whatever its suffix. Formulas give their saved
    values.

    Raises:
        DatasetError: The file is too large or cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(f"it has {size} bytes, and at most {MAX_BYTES} are accepted")
        with path.open("rb") as file:
            magic = file.read(4)
        if magic == b"PK\3\4":
            return _read_xlsx(path)
        return _read_xls(path) if path.suffix.lower() != ".csv" else _parse_csv(path.read_bytes())
    except Exception as error:
        # Three third-party parsers read untrusted files; a damaged file can raise any exception.
        kind = "a .csv table" if path.suffix.lower() == ".csv" else f"an {path.suffix.lower()} workbook"
        reason = sanitize(str(error) or type(error).__name__, max_length=_MAX_REASON_LENGTH)
        raise DatasetError(
            "coding-sheet.unreadable",
            f"the sheet must be {kind}: cannot read {path} ({reason}); save it again, or copy it again",
        ) from error


def _read_xlsx(path: Path) -> list[NamedGrid]:
    with zipfile.ZipFile(path) as archive:
        unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
    if unpacked_bytes > MAX_UNPACKED_BYTES:
        raise ValueError(
            f"it unpacks to {unpacked_bytes} bytes, and at most {MAX_UNPACKED_BYTES} are accepted"
        )
    with path.open("rb") as file, warnings.catch_warnings():
        # openpyxl warns about formatting that it drops; cell values are unaffected.
        warnings.simplefilter("ignore")
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            return [
                (
                    sheet.title,
                    _to_text_grid(
                        sheet.iter_rows(values_only=True, max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS)
                    ),
                )
                for sheet in workbook.worksheets[:_MAX_SHEETS]
            ]
        finally:
            workbook.close()


def _read_xls(path: Path) -> list[NamedGrid]:
    with open(os.devnull, "w", encoding="utf-8") as null_file:
        workbook = xlrd.open_workbook(path, logfile=null_file, on_demand=True)
        try:
            sheets = (workbook.sheet_by_index(index) for index in range(min(workbook.nsheets, _MAX_SHEETS)))
            return [(sheet.name, _to_text_grid(map(_get_cell_values, sheet.get_rows()))) for sheet in sheets]
        finally:
            workbook.release_resources()


def _get_cell_values(row: Iterable[Any]) -> list[object]:
    """Return the values of an .xls row, with whole floats as int and error codes as "#ERROR".

    An .xls file stores whole numbers as floats and errors such as #N/A as numbers.
    """
    return [
        "#ERROR"
        if cell.ctype == xlrd.XL_CELL_ERROR
        else int(cell.value)
        if cell.ctype == xlrd.XL_CELL_NUMBER and float(cell.value).is_integer()
        else cell.value
        for cell in row
    ]


def _parse_csv(data: bytes) -> list[NamedGrid]:
    if b"\0" in data:
        raise ValueError("it holds NUL bytes, so it is not text; save it as CSV UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return [
        ("", _to_text_grid(csv.reader(io.StringIO(text, newline=""), delimiter=separator)))
        for separator in SEPARATORS
    ]


def _to_text_grid(rows: Iterable[Iterable[object]]) -> Grid:
    """Convert rows to text; raise ValueError if there are more than `MAX_ROWS`."""
    grid = [
        ["" if cell is None else str(cell).strip() for cell in islice(row, MAX_COLUMNS)]
        for row in islice(rows, MAX_ROWS + 1)
    ]
    while grid and not any(grid[-1]):
        grid.pop()
    if len(grid) > MAX_ROWS:
        raise ValueError(f"it has more than {MAX_ROWS} rows")
    return grid
