"""Escape text in CSV files, so that a spreadsheet never evaluates it as a formula.

Text that starts like a formula gets an apostrophe in front, which is how spreadsheets mark text. Text that
starts with an apostrophe gets one too, so that unescaping restores the exact text.
"""

from __future__ import annotations

ESCAPE = "'"
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", ESCAPE)
"""First characters of formulas and of escaped text. Spreadsheets treat the full-width forms alike."""


def csv_escape(text: str) -> str:
    """Return `text` as a CSV cell that a spreadsheet shows unchanged."""
    return ESCAPE + text if text.startswith(FORMULA_PREFIXES) else text


def csv_unescape(cell: str) -> str:
    """Return the text from which `csv_escape` made `cell`."""
    return cell[1:] if cell.startswith(ESCAPE) and cell[1:].startswith(FORMULA_PREFIXES) else cell
