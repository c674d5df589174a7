"""Render tables and figures as GitHub-flavoured markdown that is also readable as plain text.

Every input text is data (class names, file names, reasons for a failure) and is shown literally: nothing in
it becomes markup, a link or another cell. Only invisible characters, such as marks that change the reading
direction and bytes that are not text, are shown as escape sequences.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from reports.table import ReportFigure, Table

_MARKUP = re.compile(r"[\\`*<>\[\]|~$&]|(?<![^\W_])_|_(?![^\W_])")
_WHITESPACE = re.compile(r"[ \x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")
_INVISIBLE_CATEGORIES = frozenset({"Cf", "Cs"})
# Ends where a backslash keeps a line from becoming a heading, list or rule; a signed number needs none.
_LINE_START = re.compile(r"(?=#{1,6}(?: |$)|[-+](?: |$)|-[- ]*$)|[0-9]{1,9}(?=[.)](?: |$))")
_LINE_END = re.compile(r"(?<= )(?=#+$)")
_EMAIL_SIGN = re.compile(r"(?<=[\w.+-])@(?=\w)")
_LINK = re.compile(r":(?=//)|(?<=www)\.|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)


def escape(text: str) -> str:
    """Return `text` on one line, with all GitHub markdown syntax escaped.

    The @ of an email address is put into a code span, because GitHub makes a link of it even if escaped.
    """
    line = _MARKUP.sub(lambda match: "\\" + match[0], _normalize_line(text))
    line = _EMAIL_SIGN.sub("`@`", _LINK.sub(lambda match: "\\" + match[0], line))
    for match in (_LINE_END.search(line), _LINE_START.match(line)):
        if match:
            line = f"{line[: match.end()]}\\{line[match.end() :]}"
    return line


def _normalize_line(text: str) -> str:
    """Return `text` with line breaks replaced by spaces and invisible characters by escape sequences."""
    line = _WHITESPACE.sub(" ", text).strip()
    if line.isascii():
        return line
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _INVISIBLE_CATEGORIES
        else character
        for character in line
    )


def render_code(text: str) -> str:
    """Return `text` as a code span; `text` may contain backticks."""
    line = _normalize_line(text)
    fence = "`" * (1 + max((len(backticks) for backticks in re.findall("`+", line)), default=0))
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def render_bullets(texts: Iterable[str]) -> str:
    """Return an unordered list of plain texts; "" if there are none."""
    return "\n".join(f"- {escape(text)}" for text in texts)


def render_grid(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right_aligned: Sequence[bool]
) -> str:
    """Return a pipe table with padded columns; `right_aligned` tells which columns align to the right."""
    cells = [[escape(cell) for cell in row] for row in (header, *rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(header))]

    def render_row(row: Sequence[str]) -> str:
        columns = zip(row, widths, right_aligned, strict=True)
        padded_cells = [
            cell.rjust(width) if is_right_aligned else cell.ljust(width)
            for cell, width, is_right_aligned in columns
        ]
        return "| " + " | ".join(padded_cells) + " |"

    rule = [
        "-" * (width - 1) + (":" if is_right_aligned else "-")
        for width, is_right_aligned in zip(widths, right_aligned, strict=True)
    ]
    return "\n".join([render_row(cells[0]), "| " + " | ".join(rule) + " |", *map(render_row, cells[1:])])


def render_table(table: Table, *, number: int | None = None) -> str:
    """Return the caption, grid and notes of a table; `number` is its number in the report."""
    texts = [[cell.text for cell in row] for row in table.rows]
    right_aligned = [table.is_numeric(column) for column in range(len(table.header))]
    parts = [
        _render_caption("Table", number, table),
        render_grid(table.header, texts, right_aligned=right_aligned),
        render_bullets(table.notes),
    ]
    return "\n\n".join(part for part in parts if part)


def render_figure(figure: ReportFigure, *, number: int | None = None) -> str:
    """Return the image link, caption and notes of a figure; `number` is its number in the report."""
    alt = escape(figure.alt_text).replace("!", "\\!")
    image_link = f"![{alt}](<{figure.file}>)"
    parts = [image_link, _render_caption("Figure", number, figure), render_bullets(figure.notes)]
    return "\n\n".join(part for part in parts if part)


def _render_caption(kind: str, number: int | None, block: Table | ReportFigure) -> str:
    number_text = "" if number is None else f"{kind} {number}. "
    caption = f"**{number_text}{escape(block.title)}**"
    return f"{caption}  \nIn the paper: {', '.join(block.paper_items)}." if block.paper_items else caption
