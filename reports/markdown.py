"""Render the blocks of a report as GitHub-flavoured markdown that is also readable as plain text.

Every input text is data (class names, file names, reasons for a failure) and is shown literally: nothing in
it becomes markup, a link or another cell. Only invisible characters, such as marks that change the reading
direction and bytes that are not text, are shown as escape sequences.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence

from reports.blocks import Bullets, Heading, Paragraph
from reports.numbering import NoteList, Numbered, NumberedBlock, NumberedCollapsible
from reports.table import ReportFigure, Statement, Summary, Table

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
    line = _MARKUP.sub(lambda match: "\\" + match[0], normalize_line(text))
    line = _EMAIL_SIGN.sub("`@`", _LINK.sub(lambda match: "\\" + match[0], line))
    for match in (_LINE_END.search(line), _LINE_START.match(line)):
        if match:
            line = f"{line[: match.end()]}\\{line[match.end() :]}"
    return line


def normalize_line(text: str) -> str:
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
    line = normalize_line(text)
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


def render_table(table: Table, *, number: int | None = None, labels: Sequence[str] = ()) -> str:
    """Return the caption, grid and notes of a table.

    `number` is its number in the report, `labels` are those of the notes that it shares with other tables.
    """
    texts = [[cell.text for cell in row] for row in table.rows]
    right_aligned = [table.is_numeric(column) for column in range(len(table.header))]
    parts = [
        _render_caption("Table", number, table),
        render_grid(table.header, texts, right_aligned=right_aligned),
        _render_notes(table.notes, labels),
    ]
    return "\n\n".join(part for part in parts if part)


def render_figure(figure: ReportFigure, *, number: int | None = None, labels: Sequence[str] = ()) -> str:
    """Return the image link, caption and notes of a figure; `number` and `labels` as in `render_table`."""
    alt = escape(figure.alt_text).replace("!", "\\!")
    image_link = f"![{alt}](<{figure.file}>)"
    parts = [image_link, _render_caption("Figure", number, figure), _render_notes(figure.notes, labels)]
    return "\n\n".join(part for part in parts if part)


def _render_notes(notes: Sequence[str], labels: Sequence[str]) -> str:
    label_lines = [f"- Notes {', '.join(labels)}."] if labels else []
    return "\n".join((*([render_bullets(notes)] if notes else []), *label_lines))


def _render_caption(kind: str, number: int | None, block: Table | ReportFigure) -> str:
    number_text = "" if number is None else f"{kind} {number}. "
    caption = f"**{number_text}{escape(block.title)}**"
    return f"{caption}  \nIn the paper: {', '.join(block.paper_items)}." if block.paper_items else caption


def render_blocks(blocks: Iterable[NumberedBlock]) -> str:
    """Return the blocks of a report, with an empty line between two blocks."""
    return "\n\n".join(filter(None, map(_render_block, blocks)))


def _render_block(block: NumberedBlock) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {escape(block.text)}"
        case Paragraph():
            return f"**{escape(block.text)}**" if block.is_strong else escape(block.text)
        case Bullets():
            items = "\n".join(f"- {_render_item(item)}" for item in block.items)
            return "\n\n".join(part for part in (escape(block.intro), items) if part)
        case Summary():
            progress = f"**{escape(block.progress.text)}**" if block.progress else ""
            findings = "\n".join(f"- {_render_item(statement)}" for statement in block.findings)
            return "\n\n".join(part for part in (progress, findings) if part)
        case NoteList():
            return render_bullets(f"{label}: {note}" for label, note in block.notes)
        case NumberedCollapsible():
            title = html.escape(normalize_line(block.title))
            content = render_blocks(block.blocks)
            return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"
        case Numbered():
            return _render_numbered(block)


def _render_item(item: Statement) -> str:
    return " ".join((escape(item.text), *((render_code(item.code),) if item.code else ())))


def _render_numbered(numbered: Numbered) -> str:
    if isinstance(numbered.block, Table):
        return render_table(numbered.block, number=numbered.number, labels=numbered.labels)
    return render_figure(numbered.block, number=numbered.number, labels=numbered.labels)
