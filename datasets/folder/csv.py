"""A user's own images named by a CSV: the columns path and label, and subject, clip and frame if known.

Columns are told apart by comma, semicolon or tab and matched whatever their case; the text is UTF-8, UTF-16
with its mark, or else Latin-1. Paths are relative to the CSV's folder and may not leave it.
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

from datasets.folder.rows import LONGEST_NAME, Faults, Places, Row, is_image, named, unwritable

NEEDED = ("path", "label")
OPTIONAL = ("subject", "clip", "frame")
MOST_BYTES = 200 * 1024 * 1024

_HEADER_BYTES = 8192
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_NUMBER = re.compile(r"([0-9]{1,18})(?:\.0*)?")
_LEFT_OUT = "the row was left out"


def lacking(path: Path) -> tuple[str, ...]:
    """Those of the columns path and label that the first line of a file does not name."""
    try:
        with path.open("rb") as file:
            # The last letter may be cut in two here.
            text, _ = _decoded(file.read(_HEADER_BYTES), errors="ignore")
        columns, _ = _header(text)
    except (OSError, ValueError, csv.Error):
        return NEEDED
    return tuple(name for name in NEEDED if name not in columns)


def read(path: Path, faults: Faults) -> tuple[list[Row], tuple[str, ...]]:
    """Every usable row in the file's order, and notes on how it was read; the others stand in `faults`.

    Raises:
        ValueError: the file is too large, cannot be read, is no CSV, or lacks a column or names one twice.
    """
    text, notes = _text(path)
    columns, delimiter = _header(text)
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        accepted = f"{', '.join(NEEDED)}, and if known {', '.join(OPTIONAL)}"
        raise ValueError(
            f"the first line of {path} must name the columns {accepted}; missing: {', '.join(missing)}"
        )
    twice = [name for name in (*NEEDED, *OPTIONAL) if columns.count(name) > 1]
    if twice:
        raise ValueError(f"{path} names the column {', '.join(twice)} more than once; keep one.")
    places = Places(path.parent)
    rows: list[Row] = []
    for where, cells in _lines(path, text, delimiter=delimiter):
        if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
            what = f"{len(cells)} fields where the first line has {len(columns)}"
            faults.add("wrong number of fields", where, what=what, action=_LEFT_OUT)
            continue
        row = _row(dict(zip(columns, cells, strict=False)), faults, where=where, places=places, csv_path=path)
        if row is not None:
            rows.append(row)
    return rows, notes


def _text(path: Path) -> tuple[str, tuple[str, ...]]:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ValueError(
                f"a CSV of up to {MOST_BYTES >> 20} MB is accepted; {path} has {size >> 20} MB. Is it the "
                "list of images? It holds their paths, not their pixels."
            )
        text, encoding = _decoded(path.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot read {path} ({error.strerror})") from error
    except UnicodeError as error:
        raise ValueError(f"{path} is no text in UTF-8, UTF-16 or Latin-1 ({error}); save it anew.") from error
    if "\0" in text:
        raise ValueError(f"{path} is no CSV: it holds NUL bytes; save it anew as CSV in UTF-8.")
    notes = (f"{path.name} was read as Latin-1, as it is no UTF-8",) if encoding == "latin-1" else ()
    return text, notes


def _decoded(data: bytes, *, errors: str = "strict") -> tuple[str, str]:
    """The text of a file, or of its beginning, and the encoding it was read in.

    `errors` says, as in `bytes.decode`, what becomes of a text with its encoding's mark that is not whole.
    """
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding, errors), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def _header(text: str) -> tuple[list[str], str]:
    """The first line's columns in lower case, and the delimiter under which most needed ones are found."""
    line = next(iter(text[:_HEADER_BYTES].splitlines()), "")
    best: tuple[int, list[str], str] = (-1, [], ",")
    for delimiter in ",;\t":
        cells = next(csv.reader([line], delimiter=delimiter), [])
        columns = [cell.strip().lower() for cell in cells]
        found = sum(name in columns for name in NEEDED)
        if found > best[0]:
            best = (found, columns, delimiter)
    return best[1], best[2]


def _lines(path: Path, text: str, *, delimiter: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Where each row stands, and its fields; lines without any text are none."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        next(reader)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield f"{path.name}, line {reader.line_num}", cells
    except csv.Error as error:
        raise ValueError(f"{path} is no CSV: line {reader.line_num}: {error}; save it anew.") from error


def _row(
    cells: Mapping[str, str], faults: Faults, *, where: str, places: Places, csv_path: Path
) -> Row | None:
    """One row checked, from the cheapest question to the file itself; None once it stands in `faults`."""
    text = cells["path"].strip().replace("\\", "/")
    label, subject, clip = (named(cells.get(name, "")) for name in ("label", "subject", "clip"))
    number = cells.get("frame", "").strip()
    names = {"path": text, "label": label, "subject": subject, "clip": clip}
    fault = _unusable(names, number=number)
    if fault is None:
        id_ = _below(text, csv_path.parent, real_root=places.root)
        path = str(csv_path.parent / id_)
        real = places.real(path)
        fault = _astray(text, real if id_ else "", places=places)
    if fault is not None:
        code, what = fault
        faults.add(code, where, what=what, action=_LEFT_OUT)
        return None
    return Row(
        where=where,
        id=id_,
        path=path,
        real=real,
        label=label,
        written_label=cells["label"],
        subject=subject,
        clip=clip,
        frame=int(number.split(".")[0]) if number else None,
    )


def _unusable(names: Mapping[str, str], *, number: str) -> tuple[str, str] | None:
    """What is wrong with the texts of a row, as code and words."""
    if not names["path"]:
        return "empty path", "the row names no image"
    if not names["label"]:
        return "empty label", f"{names['path']} has no label"
    for what, name in names.items():
        if unwritable(name):
            return "unusable name", f"the {what} {name} holds control characters"
        if what != "path" and len(name) > LONGEST_NAME:
            return "unusable name", f"the {what} {name} is longer than {LONGEST_NAME} characters"
    if number and not _NUMBER.fullmatch(number):
        return "unusable frame", f"the frame {number} of {names['path']} is no whole number"
    return None


def _astray(text: str, real: str, *, places: Places) -> tuple[str, str] | None:
    """Why the file behind a path (`real`, "" if the path as named leaves the root) is none of this set's."""
    if not real or not places.holds(real):
        through = " through a link" if real else ""
        return "path out of the root", f"{text} leads out of the folder of the CSV{through}"
    if not is_image(text):
        return "no image", f"{text} has not the suffix of an image"
    if not os.path.isfile(real):
        return "missing file", f"{text} is not there"
    return None


def _below(text: str, root: Path, *, real_root: str) -> str:
    """A path as named, below the root and without detours; "" if it leaves it, if only for a moment."""
    path = posixpath.normpath(text)
    if path.startswith("/"):
        for top in (root.as_posix(), Path(real_root).as_posix()):
            if path.startswith(top.rstrip("/") + "/"):
                return path[len(top.rstrip("/")) + 1 :]
        return ""
    return "" if path == ".." or path.startswith("../") else path
