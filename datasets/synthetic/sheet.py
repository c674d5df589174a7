"""The coding sheet of CASME II in every form in circulation, quirks included, and the same bytes every time.

The workbook of 2014-05-08: two header cells are blank, subjects are text, lone action units of one digit are
numbers while the rest is text, and two empty sheets follow. That of 2019-07-01 differs in the emotions of
three clips and, in one copy, a column of objective classes. `CASME2_label_Ver_2.xls` has no blank columns, a
CSV export has lower-case names, subjects without their zero and -1 for an apex that is no number. A workbook
carries the time of its writing in two places; both are set to the release's day.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

from openpyxl import Workbook

from datasets.synthetic.layouts import SHEETS

OBJECTIVE_NAME = "CASME2-ObjectiveClasses.xlsx"
RELABELLED = ((24, "EP07_01"), (24, "EP07_04f"), (24, "EP10_03"))
"""Subject and file name of the clips that went from sadness to surprise in 2019."""

Cells = tuple[str | int | None, ...]

_FRAMES = ("OnsetFrame", "ApexFrame", "OffsetFrame")
_HEADER: Cells = ("Subject", "Filename", None, *_FRAMES, None, "Action Units", "Estimated Emotion")
_WRITTEN = {"2014": (2014, 5, 8, 0, 0, 0), "2019": (2019, 7, 1, 0, 0, 0)}
# Davison, Merghani and Yap, "Objective Classes for Micro-Facial Expression Recognition", J. Imaging 4(10),
# 2018, Table 1: sets of action units without their sides; VII is the rest.
_OBJECTIVE = {
    1: ("6", "12", "6+12", "6+7+12", "7+12"),
    2: ("1+2", "5", "25", "1+2+25", "25+26", "5+24"),
    3: ("23", "4", "4+7", "4+5", "4+5+7", "17+24", "4+6+7", "4+38"),
    4: ("10", "9", "4+9", "4+40", "4+5+40", "4+7+9", "4+9+17", "4+7+10", "4+5+7+9", "7+10"),
    5: ("1", "15", "1+4", "6+15", "15+17"),
    6: ("1+2+4", "20"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it is typed: `apex` and `units` may be text that no program can use."""

    subject: int
    name: str
    onset: int
    apex: int | str
    offset: int
    units: str
    emotion: str


def write_sheet(rows: Sequence[Row], folder: Path, *, form: str = "2014") -> Path:
    """Write the sheet in one of the forms of `SHEETS` and return its path."""
    path = folder / SHEETS[form]
    if form == "xls":
        path.write_bytes(_xls([_without_blanks(_HEADER), *(_without_blanks(_cells(row)) for row in rows)]))
    elif form == "csv":
        path.write_bytes(_csv(rows))
    elif form == "2014":
        path.write_bytes(_xlsx([_HEADER, *map(_cells, rows)], written=_WRITTEN[form]))
    else:
        latest = [(*_cells(row, relabelled=True), objective_class(row.units)) for row in rows]
        path.write_bytes(_xlsx([(*_HEADER, "Objective Classes"), *latest], written=_WRITTEN[form]))
    return path


def write_objective(rows: Sequence[Row], folder: Path) -> Path:
    """Write the workbook of objective classes alone, which names no frames and no emotion."""
    cells: list[Cells] = [("Subject", "Filename", "Objective Class")]
    cells += [(f"{row.subject:02d}", row.name, objective_class(row.units)) for row in rows]
    path = folder / OBJECTIVE_NAME
    path.write_bytes(_xlsx(cells, written=_WRITTEN["2019"]))
    return path


def objective_class(units: str) -> int:
    """1 to 7 for action units such as `4+L10`."""
    bare = re.sub(r"[LR]", "", units)
    return next((number for number, sets in _OBJECTIVE.items() if bare in sets), 7)


def _cells(row: Row, *, relabelled: bool = False) -> Cells:
    units = int(row.units) if len(row.units) == 1 and row.units.isdigit() else row.units
    changed = relabelled and (row.subject, row.name) in RELABELLED and row.emotion == "sadness"
    emotion = "surprise" if changed else row.emotion
    return f"{row.subject:02d}", row.name, None, row.onset, row.apex, row.offset, None, units, emotion


def _without_blanks(cells: Cells) -> Cells:
    return tuple(cell for cell in cells if cell is not None)


def _xlsx(rows: Sequence[Cells], *, written: tuple[int, int, int, int, int, int]) -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Sheet1"
    for row in rows:
        sheet.append(row)
    workbook.create_sheet("Sheet2")
    workbook.create_sheet("Sheet3")
    buffer = BytesIO()
    workbook.save(buffer)
    return _without_time(buffer, written=written)


def _xls(rows: Sequence[Cells]) -> bytes:
    import xlwt

    workbook = xlwt.Workbook()
    sheet = workbook.add_sheet("Sheet1")
    for line, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(line, column, cell)
    buffer = BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _csv(rows: Sequence[Row]) -> bytes:
    import csv

    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([str(name).lower() for name in _without_blanks(_HEADER)])
    for row in rows:
        apex = row.apex if isinstance(row.apex, int) else -1
        writer.writerow((row.subject, row.name, row.onset, apex, row.offset, row.units, row.emotion))
    return text.getvalue().encode()


def _without_time(workbook: BytesIO, *, written: tuple[int, int, int, int, int, int]) -> bytes:
    day = "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}Z".format(*written).encode()
    result = BytesIO()
    with zipfile.ZipFile(workbook) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", day, content)
            entry = zipfile.ZipInfo(name, date_time=written)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return result.getvalue()
