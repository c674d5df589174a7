"""CK+ in one file: CK_data.h5 and ckextended.csv, rows of faces of 48 pixels and their emotions.

Neither tells who is shown or which rows belong to one sequence, and their codes differ from 6 on. Only labels
and shapes are read here, never all pixels at once. A row is counted from 0; the csv's header and its empty
lines do not count.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import h5py

from datasets.ckplus.facts import CSV_CODES, CSV_ROWS, H5_CODES, SIDE
from datasets.ckplus.names import some
from datasets.hdf5 import own, tried
from datasets.spec import Anomaly
from datasets.text import shown

DATA_SETS = ("data_pixel", "data_label")

MOST_ROWS = 100_000
"""More than a hundred times what is known: a longer file is something else."""

_LONGEST_LINE = 1 << 20
_LONGEST_REASON = 400
_BYTES = frozenset(str(value) for value in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Row number and emotion of every usable row, in order, what is odd about the rest, and what was read."""

    emotions: tuple[tuple[int, str], ...]
    anomalies: tuple[Anomaly, ...]
    notes: tuple[str, ...]


def read_h5(path: Path, *, where: str) -> Rows:
    """The labels of a container with `data_pixel`, uint8 (N, 48, 48), and `data_label`, integers (N,).

    Raises:
        ValueError: the file is cut off or no HDF5, or its data sets are missing or of another form.
    """
    codes: list[int] = []
    try:
        fault = tried(path, DATA_SETS, rows=MOST_ROWS)
        if not fault:
            with h5py.File(path, "r", locking=False) as file:
                fault = _fault(file)
                codes = [] if fault else file["data_label"][()].tolist()
    except Exception as error:
        # A damaged file makes h5py stumble in whatever it was about to do.
        fault = f"it cannot be read ({shown(str(error), longest=_LONGEST_REASON)})"
    if fault:
        raise ValueError(
            f"an .h5 of CK+ must hold data_pixel, uint8 (N, {SIDE}, {SIDE}), and data_label, integers (N,), "
            f"with N from 1 to {MOST_ROWS}; {path}: {fault}. Copy it anew, or name another layout."
        )
    return _rows([str(code) for code in codes], codes=H5_CODES, faults={}, where=where)


def _fault(file: Any) -> str:
    """What is wrong with the form of an open container, "" if nothing."""
    missing = [name for name in DATA_SETS if file.get(name, getlink=True) is None]
    if missing:
        return f"it lacks {' and '.join(missing)}; found: {some(sorted(file)) or 'nothing'}"
    for name in DATA_SETS:
        if fault := own(file, name):
            return fault
    pixels, labels = file["data_pixel"], file["data_label"]
    count = pixels.shape[0] if pixels.shape else 0
    if pixels.dtype != "uint8" or pixels.shape != (count, SIDE, SIDE):
        return f"data_pixel is {pixels.dtype} {pixels.shape}"
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        return f"data_label is {labels.dtype} {labels.shape}, data_pixel has {count} images"
    return "" if 1 <= count <= MOST_ROWS else f"N is {count}"


def read_csv(path: Path, *, where: str) -> Rows:
    """The labels of a table with the columns `emotion` and `pixels`, 2304 numbers from 0 to 255 a row.

    Raises:
        ValueError: the file cannot be read as a table, lacks a column, or is far too long.
    """
    labels: list[str] = []
    faults: dict[int, str] = {}
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            lines = csv.reader(_lines(file), strict=True)
            emotion, pixels = _columns(next(lines, []), path=path)
            for row, cells in enumerate(cells for cells in lines if cells):
                if row == MOST_ROWS:
                    raise csv.Error(f"it has more than {MOST_ROWS} rows")
                whole = len(cells) > max(emotion, pixels)
                labels.append(cells[emotion].strip() if whole else "")
                if not whole:
                    faults[row] = "rows that end early"
                elif not _is_image(cells[pixels]):
                    faults[row] = f"rows whose pixels are not {SIDE * SIDE} numbers from 0 to 255"
    except (OSError, csv.Error) as error:
        raise ValueError(
            f"a .csv of CK+ must be a table: cannot read {path} ({error}). Copy it anew."
        ) from error
    known = _rows(labels, codes=CSV_CODES, faults=faults, where=where)
    expected = f"the known copies have {CSV_ROWS} rows; its column Usage, if any, is not used"
    return Rows(emotions=known.emotions, anomalies=known.anomalies, notes=(*known.notes, expected))


def _lines(file: TextIO) -> Iterator[str]:
    """The lines of a file, none of them long enough to fill the memory."""
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise csv.Error(f"a line has {_LONGEST_LINE} characters or more")
        yield line


def _columns(header: Sequence[str], *, path: Path) -> tuple[int, int]:
    """Where the columns of emotions and pixels stand; raises ValueError if they do not."""
    names = [name.strip().lower() for name in header]
    missing = [name for name in ("emotion", "pixels") if name not in names]
    if missing:
        found = some([name[:40] for name in names]) or "none"
        raise ValueError(
            f"a .csv of CK+ must have the columns emotion and pixels: {path} lacks {' and '.join(missing)}; "
            f"found: {found}. Name another layout, or a folder without this file."
        )
    return names.index("emotion"), names.index("pixels")


def _is_image(text: str) -> bool:
    values = text.split()
    return len(values) == SIDE * SIDE and _BYTES.issuperset(values)


def _rows(labels: Sequence[str], *, codes: Mapping[int, str], faults: Mapping[int, str], where: str) -> Rows:
    """Rows with an emotion each; those with a fault or an unknown code are listed, one anomaly a kind."""
    names = {str(code): name for code, name in codes.items()}
    known = ", ".join(f"{code} {name}" for code, name in codes.items())
    emotions: list[tuple[int, str]] = []
    left_out: dict[tuple[str, str], list[int]] = {}
    for row, label in enumerate(labels):
        emotion = names.get(label.removesuffix(".0"), "")
        if row in faults:
            left_out.setdefault(("unusable row", faults[row]), []).append(row)
        elif not emotion:
            left_out.setdefault(("unknown label", f"labels that are none of {known}"), []).append(row)
        else:
            emotions.append((row, emotion))
    anomalies = tuple(
        Anomaly(code=code, where=where, what=f"{what}: row {some(rows)}", action=f"{len(rows)} were left out")
        for (code, what), rows in sorted(left_out.items())
    )
    return Rows(emotions=tuple(emotions), anomalies=anomalies, notes=(f"rows: {len(labels)}",))
