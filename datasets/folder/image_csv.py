"""Read a CSV of a user's own images, with the columns path and label, and optionally subject, clip and frame.

The delimiter is comma, semicolon or tab; column names may have any case. The text is UTF-8, UTF-16 with a
byte order mark, or else Latin-1. Paths are relative to the folder of the CSV and must stay in it.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from datasets.errors import DatasetError
from datasets.folder.image_rows import (
    MAX_NAME_LENGTH,
    AnomalyLog,
    ImageRow,
    PathResolver,
    has_unsafe_chars,
    is_image,
    normalize_name,
)
from datasets.text import pluralize

REQUIRED_COLUMNS = ("path", "label")
OPTIONAL_COLUMNS = ("subject", "clip", "frame")
MAX_BYTES = 200 * 1024 * 1024

_HEADER_BYTES = 8192
_BOM_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_NUMBER = re.compile(r"([0-9]{1,18})(?:\.0*)?")
_EXCLUDE_ROW_ACTION = "the row was left out"


def find_missing_columns(path: Path) -> tuple[str, ...]:
    """Return which of the columns path and label the first line of a file lacks."""
    try:
        with path.open("rb") as file:
            # A multi-byte character at the end of the buffer may be cut.
            text, _ = _decode(file.read(_HEADER_BYTES), errors="ignore")
        columns, _ = _parse_header(text)
    except (OSError, ValueError, csv.Error):
        return REQUIRED_COLUMNS
    return tuple(name for name in REQUIRED_COLUMNS if name not in columns)


def read_image_csv(path: Path, anomaly_log: AnomalyLog) -> tuple[list[ImageRow], tuple[str, ...]]:
    """Read every usable row in file order, and notes on the reading; log the other rows as anomalies.

    Raises:
        DatasetError: The file is too large, cannot be read, is not a CSV, lacks a column, or repeats one.
    """
    text, notes = _read_text(path)
    columns, delimiter = _parse_header(text)
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    if missing:
        column_list = f"{', '.join(REQUIRED_COLUMNS)}, and if known {', '.join(OPTIONAL_COLUMNS)}"
        raise DatasetError(
            "image-csv.missing-columns",
            f"the first line of {path} must name the columns {column_list}; missing: {', '.join(missing)}",
        )
    duplicates = [name for name in (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS) if columns.count(name) > 1]
    if duplicates:
        raise DatasetError(
            "image-csv.duplicate-columns",
            f"{path} names the column {', '.join(duplicates)} more than once; keep one.",
        )
    resolver = PathResolver(path.parent)
    rows: list[ImageRow] = []
    for location, cells in _iter_rows(path, text, delimiter=delimiter):
        if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
            description = f"{pluralize(len(cells), 'field')} where the first line has {len(columns)}"
            anomaly_log.add(
                "wrong number of fields", location, description=description, action=_EXCLUDE_ROW_ACTION
            )
            continue
        row = _build_row(
            dict(zip(columns, cells, strict=False)),
            anomaly_log,
            location=location,
            resolver=resolver,
            csv_path=path,
        )
        if row is not None:
            rows.append(row)
    return rows, notes


def _read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DatasetError(
                "image-csv.too-large",
                f"a CSV of up to {MAX_BYTES >> 20} MB is accepted; {path} has {size >> 20} MB. Name the "
                "list of images, which holds their paths, not their pixels.",
            )
        text, encoding = _decode(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            "image-csv.unreadable", f"cannot read {path} ({error.strerror}): check its permissions"
        ) from error
    except UnicodeError as error:
        raise DatasetError(
            "image-csv.encoding",
            f"a CSV must be text in UTF-8, UTF-16 or Latin-1; {path} is not ({error}): save it again as "
            "UTF-8.",
        ) from error
    if "\0" in text:
        raise DatasetError(
            "image-csv.nul-bytes",
            f"a CSV must be text; {path} holds NUL bytes: save it again as CSV in UTF-8.",
        )
    notes = (f"{path.name} was read as Latin-1, because it is not UTF-8",) if encoding == "latin-1" else ()
    return text, notes


def _decode(data: bytes, *, errors: str = "strict") -> tuple[str, str]:
    """Decode a file, or its beginning, and return the text and the encoding.

    `errors` is passed to `bytes.decode` if the data start with a byte order mark.
    """
    for bom, encoding in _BOM_ENCODINGS.items():
        if data.startswith(bom):
            return data.decode(encoding, errors), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def _parse_header(text: str) -> tuple[list[str], str]:
    """Return the first line's columns in lower case, and the delimiter that gives most required ones."""
    line = next(iter(text[:_HEADER_BYTES].splitlines()), "")
    best: tuple[int, list[str], str] = (-1, [], ",")
    for delimiter in ",;\t":
        cells = next(csv.reader([line], delimiter=delimiter), [])
        columns = [cell.strip().lower() for cell in cells]
        num_required = sum(name in columns for name in REQUIRED_COLUMNS)
        if num_required > best[0]:
            best = (num_required, columns, delimiter)
    return best[1], best[2]


def _iter_rows(path: Path, text: str, *, delimiter: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the location and the cells of each row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        next(reader)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield f"{path.name}, line {reader.line_num}", cells
    except csv.Error as error:
        raise DatasetError(
            "image-csv.syntax",
            f"{path} must be a CSV; got line {reader.line_num}: {error}. Save the file again.",
        ) from error


def _build_row(
    cells: Mapping[str, str],
    anomaly_log: AnomalyLog,
    *,
    location: str,
    resolver: PathResolver,
    csv_path: Path,
) -> ImageRow | None:
    """Check one row, cheap checks first, and build it; log an anomaly and return None if it is unusable."""
    path_text = cells["path"].strip().replace("\\", "/")
    label, subject, clip = (normalize_name(cells.get(name, "")) for name in ("label", "subject", "clip"))
    number = cells.get("frame", "").strip()
    names = {"path": path_text, "label": label, "subject": subject, "clip": clip}
    fault = _check_fields(names, number=number)
    if fault is None:
        id_ = _relative_to_root(path_text, csv_path.parent, real_root=resolver.root)
        path = str(csv_path.parent / id_)
        resolved_path = resolver.resolve(path)
        fault = _check_path(path_text, resolved_path if id_ else "", resolver=resolver)
    if fault is not None:
        code, description = fault
        anomaly_log.add(code, location, description=description, action=_EXCLUDE_ROW_ACTION)
        return None
    return ImageRow(
        location=location,
        id=id_,
        path=path,
        resolved_path=resolved_path,
        label=label,
        raw_label=cells["label"],
        subject=subject,
        clip=clip,
        frame_number=int(number.split(".")[0]) if number else None,
    )


def _check_fields(names: Mapping[str, str], *, number: str) -> tuple[str, str] | None:
    """Return code and description of an anomaly in the cells of a row, or None."""
    if not names["path"]:
        return "empty path", "the row names no image"
    if not names["label"]:
        return "empty label", f"{names['path']} has no label"
    for field_name, name in names.items():
        if has_unsafe_chars(name):
            return "unusable name", f"the {field_name} {name} holds control characters"
        if field_name != "path" and len(name) > MAX_NAME_LENGTH:
            return "unusable name", f"the {field_name} {name} is longer than {MAX_NAME_LENGTH} characters"
    if number and not _NUMBER.fullmatch(number):
        return "unusable frame", f"the frame {number} of {names['path']} is not a whole number"
    return None


def _check_path(path_text: str, resolved_path: str, *, resolver: PathResolver) -> tuple[str, str] | None:
    """Return code and description of an anomaly in the path of a row, or None.

    `resolved_path` is "" if the path, as written, leaves the root.
    """
    if not resolved_path or not resolver.contains(resolved_path):
        link_note = " through a link" if resolved_path else ""
        return "path out of the root", f"{path_text} leads out of the folder of the CSV{link_note}"
    if not is_image(path_text):
        return "no image", f"the suffix of {path_text} is not that of an image file"
    if not os.path.isfile(resolved_path):
        return "missing file", f"{path_text} does not exist"
    return None


def _relative_to_root(path_text: str, root: Path, *, real_root: str) -> str:
    """Return a path of the CSV relative to the root, normalized; "" if it leaves the root."""
    path = posixpath.normpath(path_text)
    if path.startswith("/"):
        for root_path in (root.as_posix(), Path(real_root).as_posix()):
            if path.startswith(root_path.rstrip("/") + "/"):
                return path[len(root_path.rstrip("/")) + 1 :]
        return ""
    return "" if path == ".." or path.startswith("../") else path
