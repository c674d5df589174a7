"""Writing of .xlsx workbooks with reproducible bytes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO

from openpyxl import Workbook

RowCells = tuple[str | int | None, ...]
Timestamp = tuple[int, int, int, int, int, int]


def encode_workbook(sheets: Mapping[str, Sequence[RowCells]], *, timestamp: Timestamp) -> bytes:
    """Return a workbook with these rows by sheet name, at least one sheet.

    A workbook contains its creation time in two places; both are set to `timestamp`.
    """
    workbook = Workbook()
    first_sheet = workbook.active
    assert first_sheet is not None
    for index, (title, rows) in enumerate(sheets.items()):
        sheet = workbook.create_sheet(title) if index else first_sheet
        sheet.title = title
        for row in rows:
            sheet.append(row)
    buffer = BytesIO()
    workbook.save(buffer)
    return _set_timestamp(buffer, timestamp=timestamp)


def _set_timestamp(workbook: BytesIO, *, timestamp: Timestamp) -> bytes:
    iso_time = "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}Z".format(*timestamp).encode()
    result = BytesIO()
    with zipfile.ZipFile(workbook) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", iso_time, content)
            entry = zipfile.ZipInfo(name, date_time=timestamp)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return result.getvalue()
