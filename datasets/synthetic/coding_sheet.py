"""Writing of CASME II's coding sheet in every form in circulation, with its quirks and reproducible bytes.

- The workbook of 2014-05-08 has two blank header cells and two empty extra sheets. Subjects are text. A
  single action unit of one digit is a number; other action units are text.
- The workbook of 2019-07-01 has other emotions for three clips and, in one copy, a column of objective
  classes.
- `CASME2_label_Ver_2.xls` has no blank columns.
- The CSV export has lower-case column names, subjects without leading zero, and -1 for an apex that is not a
  number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

from datasets.synthetic.layouts import SHEETS
from datasets.synthetic.workbook import RowCells, Timestamp, encode_workbook

OBJECTIVE_CLASS_FILE = "CASME2-ObjectiveClasses.xlsx"
RELABELLED_CLIPS = ((24, "EP07_01"), (24, "EP07_04f"), (24, "EP10_03"))
"""Subject and file name of the clips that were relabelled from sadness to surprise in 2019."""

_FRAME_COLUMNS = ("OnsetFrame", "ApexFrame", "OffsetFrame")
_HEADER: RowCells = ("Subject", "Filename", None, *_FRAME_COLUMNS, None, "Action Units", "Estimated Emotion")
_WORKBOOK_TIMES: dict[str, Timestamp] = {"2014": (2014, 5, 8, 0, 0, 0), "2019": (2019, 7, 1, 0, 0, 0)}
# Davison, Merghani and Yap, "Objective Classes for Micro-Facial Expression Recognition", J. Imaging 4(10),
# 2018, Table 1: sets of action units without their sides; class VII contains all other sets.
_OBJECTIVE_CLASSES = {
    1: ("6", "12", "6+12", "6+7+12", "7+12"),
    2: ("1+2", "5", "25", "1+2+25", "25+26", "5+24"),
    3: ("23", "4", "4+7", "4+5", "4+5+7", "17+24", "4+6+7", "4+38"),
    4: ("10", "9", "4+9", "4+40", "4+5+40", "4+7+9", "4+9+17", "4+7+10", "4+5+7+9", "7+10"),
    5: ("1", "15", "1+4", "6+15", "15+17"),
    6: ("1+2+4", "20"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingRow:
    """One row of the sheet as typed: `apex` and `action_units` may be text that cannot be parsed."""

    subject: int
    name: str
    onset: int
    apex: int | str
    offset: int
    action_units: str
    emotion: str


def write_sheet(rows: Sequence[CodingRow], folder: Path, *, form: str = "2014") -> Path:
    """Write the sheet in one of the forms of `SHEETS` and return its path."""
    path = folder / SHEETS[form]
    if form == "xls":
        path.write_bytes(
            _encode_xls([_drop_blanks(_HEADER), *(_drop_blanks(_make_cells(row)) for row in rows)])
        )
    elif form == "csv":
        path.write_bytes(_encode_csv(rows))
    elif form == "2014":
        path.write_bytes(_encode_xlsx([_HEADER, *map(_make_cells, rows)], timestamp=_WORKBOOK_TIMES[form]))
    else:
        relabelled_rows = [
            (*_make_cells(row, relabel=True), lookup_objective_class(row.action_units)) for row in rows
        ]
        path.write_bytes(
            _encode_xlsx([(*_HEADER, "Objective Classes"), *relabelled_rows], timestamp=_WORKBOOK_TIMES[form])
        )
    return path


def write_objective_classes(rows: Sequence[CodingRow], folder: Path) -> Path:
    """Write the separate workbook of objective classes, without frames and emotions; return its path."""
    cells: list[RowCells] = [("Subject", "Filename", "Objective Class")]
    cells += [(f"{row.subject:02d}", row.name, lookup_objective_class(row.action_units)) for row in rows]
    path = folder / OBJECTIVE_CLASS_FILE
    path.write_bytes(_encode_xlsx(cells, timestamp=_WORKBOOK_TIMES["2019"]))
    return path


def lookup_objective_class(action_units: str) -> int:
    """Return the objective class, 1 to 7, of action units such as `4+L10`."""
    unit_set = re.sub(r"[LR]", "", action_units)
    return next((number for number, unit_sets in _OBJECTIVE_CLASSES.items() if unit_set in unit_sets), 7)


def _make_cells(row: CodingRow, *, relabel: bool = False) -> RowCells:
    action_units = (
        int(row.action_units)
        if len(row.action_units) == 1 and row.action_units.isdigit()
        else row.action_units
    )
    is_relabelled = relabel and (row.subject, row.name) in RELABELLED_CLIPS and row.emotion == "sadness"
    emotion = "surprise" if is_relabelled else row.emotion
    return f"{row.subject:02d}", row.name, None, row.onset, row.apex, row.offset, None, action_units, emotion


def _drop_blanks(cells: RowCells) -> RowCells:
    return tuple(cell for cell in cells if cell is not None)


def _encode_xlsx(rows: Sequence[RowCells], *, timestamp: Timestamp) -> bytes:
    return encode_workbook({"Sheet1": rows, "Sheet2": (), "Sheet3": ()}, timestamp=timestamp)


def _encode_xls(rows: Sequence[RowCells]) -> bytes:
    import xlwt

    workbook = xlwt.Workbook()
    sheet = workbook.add_sheet("Sheet1")
    for row_index, row in enumerate(rows):
        for column_index, cell in enumerate(row):
            sheet.write(row_index, column_index, cell)
    buffer = BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _encode_csv(rows: Sequence[CodingRow]) -> bytes:
    import csv

    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([str(name).lower() for name in _drop_blanks(_HEADER)])
    for row in rows:
        apex = row.apex if isinstance(row.apex, int) else -1
        writer.writerow((row.subject, row.name, row.onset, apex, row.offset, row.action_units, row.emotion))
    return buffer.getvalue().encode()
