"""Read the labels of CK+ containers, CK_data.h5 and ckextended.csv: rows of 48-pixel faces with emotions.

Neither container names the subject or the sequence of a row, and their codes differ from 6 on. Only labels
and shapes are read here, never all pixels at once. Rows are counted from 0, without the header and the empty
lines of the CSV.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import h5py

from datasets.ckplus.constants import CSV_CODES, CSV_ROW_COUNT, H5_CODES, IMAGE_SIZE
from datasets.ckplus.file_names import format_names
from datasets.errors import DatasetError
from datasets.io.hdf5 import check_dataset, probe_in_subprocess
from datasets.spec import Anomaly
from datasets.text import sanitize

DATASET_NAMES = ("data_pixel", "data_label")

MAX_ROWS = 100_000
"""More than a hundred times the known number; a longer file is not one of these containers."""

_MAX_LINE_LENGTH = 1 << 20
_MAX_REASON_LENGTH = 400
_BYTE_TEXTS = frozenset(str(value) for value in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRows:
    """Row number and emotion of every usable row, in order; anomalies for the other rows; and notes."""

    emotions: tuple[tuple[int, str], ...]
    anomalies: tuple[Anomaly, ...]
    notes: tuple[str, ...]


def read_h5(path: Path, *, location: str) -> ContainerRows:
    """Read the labels of a container with `data_pixel`, uint8 (N, 48, 48), and `data_label`, integers (N,).

    Raises:
        DatasetError: The file is truncated or no HDF5 file, or its data sets are missing or malformed.
    """
    codes: list[int] = []
    try:
        fault = probe_in_subprocess(path, DATASET_NAMES, rows=MAX_ROWS)
        if not fault:
            with h5py.File(path, "r", locking=False) as file:
                fault = check_structure(file)
                codes = [] if fault else file["data_label"][()].tolist()
    except Exception as error:
        # A damaged file makes h5py raise exceptions of many types.
        fault = f"it cannot be read ({sanitize(str(error), max_length=_MAX_REASON_LENGTH)})"
    if fault:
        raise DatasetError(
            "ckplus-h5.invalid",
            f"an .h5 of CK+ must hold data_pixel, uint8 (N, {IMAGE_SIZE}, {IMAGE_SIZE}), and data_label, "
            f"integers (N,), with N from 1 to {MAX_ROWS}; {path}: {fault}. Copy it again, or name "
            "another layout.",
        )
    return _decode_labels([str(code) for code in codes], codes=H5_CODES, faults={}, location=location)


def check_structure(file: Any) -> str:
    """Return what is wrong with the structure of an open container, or ""."""
    missing = [name for name in DATASET_NAMES if file.get(name, getlink=True) is None]
    if missing:
        return f"it lacks {' and '.join(missing)}; found: {format_names(sorted(file)) or 'nothing'}"
    for name in DATASET_NAMES:
        if fault := check_dataset(file, name):
            return fault
    pixels, labels = file["data_pixel"], file["data_label"]
    count = pixels.shape[0] if pixels.shape else 0
    if pixels.dtype != "uint8" or pixels.shape != (count, IMAGE_SIZE, IMAGE_SIZE):
        return f"data_pixel is {pixels.dtype} {pixels.shape}"
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        return f"data_label is {labels.dtype} {labels.shape}, data_pixel has {count} images"
    return "" if 1 <= count <= MAX_ROWS else f"N is {count}"


def read_csv(path: Path, *, location: str) -> ContainerRows:
    """Read the labels of a CSV with the columns `emotion` and `pixels`, 2304 numbers from 0 to 255 per row.

    Raises:
        DatasetError: The file cannot be read as a CSV, lacks a column, or is far too long.
    """
    labels: list[str] = []
    faults: dict[int, str] = {}
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            lines = csv.reader(_read_lines(file), strict=True)
            emotion, pixels = _find_columns(next(lines, []), path=path)
            for row, cells in enumerate(cells for cells in lines if cells):
                if row == MAX_ROWS:
                    raise csv.Error(f"it has more than {MAX_ROWS} rows")
                is_complete = len(cells) > max(emotion, pixels)
                labels.append(cells[emotion].strip() if is_complete else "")
                if not is_complete:
                    faults[row] = "rows that end early"
                elif not _is_image_text(cells[pixels]):
                    faults[row] = f"rows whose pixels are not {IMAGE_SIZE * IMAGE_SIZE} numbers from 0 to 255"
    except (OSError, csv.Error) as error:
        raise DatasetError(
            "ckplus-csv.unreadable",
            f"a .csv of CK+ must be a table: cannot read {path} ({error}). Copy it again.",
        ) from error
    decoded_rows = _decode_labels(labels, codes=CSV_CODES, faults=faults, location=location)
    row_count_note = f"the known copies have {CSV_ROW_COUNT} rows; its column Usage, if any, is not used"
    return ContainerRows(
        emotions=decoded_rows.emotions,
        anomalies=decoded_rows.anomalies,
        notes=(*decoded_rows.notes, row_count_note),
    )


def _read_lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file; raise csv.Error for a line so long that it could exhaust the memory."""
    while line := file.readline(_MAX_LINE_LENGTH):
        if len(line) == _MAX_LINE_LENGTH:
            raise csv.Error(f"a line has {_MAX_LINE_LENGTH} characters or more")
        yield line


def _find_columns(header: Sequence[str], *, path: Path) -> tuple[int, int]:
    """Return the indices of the emotion and pixel columns; raise DatasetError if one is missing."""
    names = [name.strip().lower() for name in header]
    missing = [name for name in ("emotion", "pixels") if name not in names]
    if missing:
        header_names = format_names([name[:40] for name in names]) or "none"
        raise DatasetError(
            "ckplus-csv.missing-columns",
            f"a .csv of CK+ must have the columns emotion and pixels: {path} lacks {' and '.join(missing)}; "
            f"found: {header_names}. Name another layout, or a folder without this file.",
        )
    return names.index("emotion"), names.index("pixels")


def _is_image_text(text: str) -> bool:
    values = text.split()
    return len(values) == IMAGE_SIZE * IMAGE_SIZE and _BYTE_TEXTS.issuperset(values)


def _decode_labels(
    labels: Sequence[str], *, codes: Mapping[int, str], faults: Mapping[int, str], location: str
) -> ContainerRows:
    """Return the usable rows with their emotions; other rows become one anomaly per kind of fault."""
    names = {str(code): name for code, name in codes.items()}
    known_codes = ", ".join(f"{code} {name}" for code, name in codes.items())
    emotions: list[tuple[int, str]] = []
    rows_by_fault: dict[tuple[str, str], list[int]] = {}
    for row, label in enumerate(labels):
        emotion = names.get(label.removesuffix(".0"), "")
        if row in faults:
            rows_by_fault.setdefault(("unusable row", faults[row]), []).append(row)
        elif not emotion:
            rows_by_fault.setdefault(("unknown label", f"labels other than {known_codes}"), []).append(row)
        else:
            emotions.append((row, emotion))
    anomalies = tuple(
        Anomaly(
            code=code,
            location=location,
            description=f"{description}: row {format_names(rows)}",
            action=f"{len(rows)} were left out",
        )
        for (code, description), rows in sorted(rows_by_fault.items())
    )
    return ContainerRows(emotions=tuple(emotions), anomalies=anomalies, notes=(f"rows: {len(labels)}",))
