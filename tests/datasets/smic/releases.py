"""Tiny releases of SMIC on disk: clip folders with empty image files, and annotations."""

from collections.abc import Sequence
from pathlib import Path

import openpyxl

HEADER = ("Subject", "Filename", "OnsetF", "OffsetF", "Onset2F", "Offset2F", "FirstF", "Emotion")
Row = tuple[str | int | None, ...]


def write_clip(folder: Path, numbers: Sequence[int], *, form: str = "reg_image{}.bmp") -> None:
    """Write one image for each frame number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / form.format(number)).touch()


def write_annotation(
    path: Path, rows: Sequence[Row], *, sheet: str = "HS", header: Row = HEADER, extra: Sequence[Row] = ()
) -> None:
    """Write a workbook with these rows under the header; `extra` are rows of a sheet VIS."""
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook = openpyxl.Workbook()
    active = workbook.active
    assert active is not None
    active.title = sheet
    for row in (header, *rows):
        active.append(row)
    if extra:
        other = workbook.create_sheet("VIS")
        for row in (header, *extra):
            other.append(row)
    workbook.save(path)
