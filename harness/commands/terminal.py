"""Print labelled lines and tables of a report in the width of the terminal, or plainly to a pipe."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from reports.table import Table

LABEL_WIDTH = 8
VERDICT_STYLES = {"better": "green", "worse": "red", "equivalent": "cyan", "reference": "dim"}


def print_fields(console: Console, fields: Iterable[tuple[str, str]], *, indent: int = 0) -> None:
    """Print each text after its label; on a terminal wrap it at spaces, under its own first line."""
    for label, text in fields:
        for number, line in enumerate(wrap(text, console, margin=indent + LABEL_WIDTH)):
            _print_field("" if number else label, line, console=console, indent=indent)


def print_paths(console: Console, fields: Iterable[tuple[str, str]]) -> None:
    """Print each path, address or command after its label, on one line, so that it can be copied."""
    for label, text in fields:
        _print_field(label, text, console=console)


def _print_field(label: str, text: str, *, console: Console, indent: int = 0) -> None:
    start = f"{' ' * indent}{label:<{LABEL_WIDTH}}"
    console.print(Text.assemble((start, "bold"), text), soft_wrap=True)


def wrap(text: str, console: Console, *, margin: int = 0) -> list[str]:
    """Return the lines of `text` on a terminal, without the `margin`; one line if output goes elsewhere."""
    if not console.is_terminal:
        return [text]
    width = max(20, console.width - margin)
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def print_table(console: Console, table: Table) -> None:
    """Print a narrow table of a report with its title and notes; numbers are not wrapped."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column, name in enumerate(table.header):
        grid.add_column(name, no_wrap=column > 0, overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(cell.text, style=VERDICT_STYLES.get(cell.text, "")) for cell in row))
    console.print(Text(table.title, style="bold"), soft_wrap=True)
    with console.capture() as capture:
        console.print(grid)
    # Rich fills each row with spaces up to the width of the table.
    lines = capture.get().rstrip("\n").split("\n")
    console.out("\n".join(line.rstrip() for line in lines), highlight=False)
    for note in table.notes:
        for line in wrap(note, console):
            console.print(Text(line, style="dim"), soft_wrap=True)
