"""Tables and figures to GitHub-flavoured markdown that reads well as plain text too.

Every text that comes in is data (class names, file names, reasons for a failure) and is shown as it
stands: nothing in it becomes markup, a link or another cell. Only what nobody could see is shown otherwise,
as its escape: marks that turn the direction of reading, and bytes that are no text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from reports.table import Figure, Table

_MARKUP = re.compile(r"[\\`*<>\[\]|~$&]|(?<![^\W_])_|_(?![^\W_])")
_BREAKS = re.compile(r"[ \x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")
_UNSEEN = frozenset({"Cf", "Cs"})
# Before it stands what makes a heading, a list or a rule of a line; a number with its sign stays a number.
_FIRST = re.compile(r"(?=#{1,6}(?: |$)|[-+](?: |$)|-[- ]*$)|[0-9]{1,9}(?=[.)](?: |$))")
_LAST = re.compile(r"(?<= )(?=#+$)")
_ADDRESS = re.compile(r"(?<=[\w.+-])@(?=\w)")
_LINK = re.compile(r":(?=//)|(?<=www)\.|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)


def escape(text: str) -> str:
    """`text` on one line, with everything that GitHub's markdown would act on escaped.

    An address of mail has its sign in a code span: GitHub makes a link of it however it is escaped.
    """
    line = _MARKUP.sub(lambda match: "\\" + match[0], _line(text))
    line = _ADDRESS.sub("`@`", _LINK.sub(lambda match: "\\" + match[0], line))
    for place in (_LAST.search(line), _FIRST.match(line)):
        if place:
            line = f"{line[: place.end()]}\\{line[place.end() :]}"
    return line


def _line(text: str) -> str:
    """`text` with spaces for its breaks and escapes for what cannot be seen."""
    line = _BREAKS.sub(" ", text).strip()
    if line.isascii():
        return line
    return "".join(
        letter.encode("unicode_escape").decode("ascii") if unicodedata.category(letter) in _UNSEEN else letter
        for letter in line
    )


def code(text: str) -> str:
    """`text` as a code span, whatever backticks it holds."""
    line = _line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def bullets(texts: Iterable[str]) -> str:
    """An unordered list of plain texts, or nothing at all."""
    return "\n".join(f"- {escape(text)}" for text in texts)


def grid(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[bool]) -> str:
    """A pipe table with its columns padded to one width, those marked `right` aligned to the right."""
    cells = [[escape(cell) for cell in row] for row in (header, *rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        columns = zip(row, widths, right, strict=True)
        padded = [cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in columns]
        return "| " + " | ".join(padded) + " |"

    rule = [
        "-" * (width - 1) + (":" if to_right else "-") for width, to_right in zip(widths, right, strict=True)
    ]
    return "\n".join([line(cells[0]), "| " + " | ".join(rule) + " |", *map(line, cells[1:])])


def render_table(value: Table, *, number: int | None = None) -> str:
    """Caption, grid and notes of a table; its number, where it stands in a report."""
    texts = [[cell.text for cell in row] for row in value.rows]
    right = [value.numeric(column) for column in range(len(value.header))]
    parts = [_caption("Table", number, value), grid(value.header, texts, right=right), bullets(value.notes)]
    return "\n\n".join(part for part in parts if part)


def render_figure(value: Figure, *, number: int | None = None) -> str:
    """Picture, caption and notes of a figure."""
    alt = escape(value.alt).replace("!", "\\!")
    picture = f"![{alt}](<{value.file}>)"
    parts = [picture, _caption("Figure", number, value), bullets(value.notes)]
    return "\n\n".join(part for part in parts if part)


def _caption(kind: str, number: int | None, value: Table | Figure) -> str:
    place = "" if number is None else f"{kind} {number}. "
    caption = f"**{place}{escape(value.title)}**"
    return f"{caption}  \nIn the paper: {', '.join(value.paper)}." if value.paper else caption
