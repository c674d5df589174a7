"""The coding sheet of CASME II as released on 2014-05-08, quirks included, and the same bytes every time.

Two header cells are blank, subjects are text, lone action units of one digit are numbers while the rest is
text, and two empty sheets follow. A workbook carries the time of its writing in two places; both are set to
the release's day.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from openpyxl import Workbook

from datasets.synthetic_plan import Clip

SHEET_NAME = "CASME2-coding-20140508.xlsx"

_HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)
_WRITTEN = (2014, 5, 8, 0, 0, 0)


def write_sheet(clips: Sequence[Clip], folder: Path) -> Path:
    """Write the workbook, one row a clip, and return its path."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Sheet1"
    sheet.append(_HEADER)
    for clip in clips:
        units = int(clip.units) if len(clip.units) == 1 else clip.units
        frames = (clip.onset, clip.apex, clip.offset)
        sheet.append((f"{clip.subject:02d}", clip.name, None, *frames, None, units, clip.emotion))
    workbook.create_sheet("Sheet2")
    workbook.create_sheet("Sheet3")
    buffer = BytesIO()
    workbook.save(buffer)
    path = folder / SHEET_NAME
    path.write_bytes(_without_time(buffer))
    return path


def _without_time(workbook: BytesIO) -> bytes:
    day = "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}Z".format(*_WRITTEN).encode()
    result = BytesIO()
    with zipfile.ZipFile(workbook) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", day, content)
            entry = zipfile.ZipInfo(name, date_time=_WRITTEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return result.getvalue()
