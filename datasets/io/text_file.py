"""Read small text files of other people line by line, with errors that name file, line and remedy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datasets.errors import DatasetError
from datasets.text import one_line, sanitize

MAX_BYTES = 64 * 1024 * 1024
MAX_LINES = 1_000_000
MAX_LINE_LENGTH = 1_000_000
"""Limits of a text file that is read. The log of 442 clips has about 10 kB; one with every epoch has more."""

_SHORTEN_REMEDY = "keep only the lines with predictions"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLine:
    """One line of a file, without its line end; `number` counts from 1."""

    path: Path
    number: int
    text: str

    def build_error(self, code: str, *, rule: str, remedy: str) -> DatasetError:
        """Return the error about this line: file, line number, rule, the line (cut), and remedy."""
        return DatasetError(
            code,
            f"{one_line(str(self.path))}, line {self.number}: {rule}; got {sanitize(self.text.strip())!r}: "
            f"{remedy}",
        )


def read_text_lines(path: Path) -> tuple[TextLine, ...]:
    """Return the lines of a UTF-8 file that are not blank. A byte order mark is left out.

    Raises:
        DatasetError: The file is missing, too large, empty, or not UTF-8.
    """
    name = one_line(str(path))
    data = _read_bytes(path, name=name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        line_text = data.split(b"\n")[number - 1].decode("utf-8", "replace")
        raise TextLine(path=path, number=number, text=line_text).build_error(
            "text-file.not-utf-8", rule="the text must be UTF-8", remedy="save the file again as UTF-8"
        ) from error
    # Progress bars end their lines with carriage returns.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MAX_LINES:
        raise DatasetError(
            "text-file.too-many-lines", f"{name} has more than {MAX_LINES:,} lines: {_SHORTEN_REMEDY}"
        )
    lines = tuple(
        TextLine(path=path, number=number, text=line_text)
        for number, line_text in enumerate(text.split("\n"), start=1)
        if line_text.strip()
    )
    if not lines:
        raise DatasetError("text-file.empty", f"{name} is empty: name a file with one line for each clip")
    for line in lines:
        if len(line.text) > MAX_LINE_LENGTH:
            raise line.build_error(
                "text-file.line-too-long",
                rule=f"a line has at most {MAX_LINE_LENGTH:,} characters",
                remedy=_SHORTEN_REMEDY,
            )
    return lines


def _read_bytes(path: Path, *, name: str) -> bytes:
    if path.is_dir():
        raise DatasetError("text-file.is-a-folder", f"{name} is a folder, not a file: name a file in it")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise DatasetError("text-file.missing", f"there is no file {name}: check its name") from error
    except OSError as error:
        raise DatasetError(
            "text-file.unreadable", f"cannot read {name} ({error.strerror}): check its permissions"
        ) from error
    if len(data) > MAX_BYTES:
        raise DatasetError(
            "text-file.too-large", f"{name} has more than {MAX_BYTES >> 20} MB: {_SHORTEN_REMEDY}"
        )
    return data
