"""Texts as cells of the CSV files that harness writes: a spreadsheet shows them and reckons none.

A name that begins like a formula gets an apostrophe before it, as spreadsheets themselves mark a text. So
does one that begins with an apostrophe, whereby reading gives back what was written, to the letter.
"""

from __future__ import annotations

ESCAPE = "'"
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", ESCAPE)
"""What a formula, or a text that was marked, begins with; the wide forms are taken for the narrow ones."""


def csv_escape(text: str) -> str:
    """`text` as a cell that is shown as it stands."""
    return ESCAPE + text if text.startswith(FORMULA_PREFIXES) else text


def csv_unescape(cell: str) -> str:
    """The text that `quoted` made a cell from."""
    return cell[1:] if cell.startswith(ESCAPE) and cell[1:].startswith(FORMULA_PREFIXES) else cell
