from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from harness.commands.terminal import print_fields, print_paths, print_table
from reports.formatting import text_cell
from reports.table import Table

WIDTH = 80
TABLE = Table(
    id="brief",
    title="Under subject (overlap: clip 0 %, subject 0 %)",
    header=("Network", "Accuracy, % [95 %]", "Difference [95 %]", "Verdict"),
    rows=(
        (text_cell("vgg16+cbam+residual+separable (collapsed)"), text_cell("41.7"), *map(text_cell, "01")),
        tuple(map(text_cell, ("proposed", "41.7 [20.1 to 63.2]", "+30.0 [+20.2 to +39.8]", "better"))),
        tuple(map(text_cell, ("[vgg16]", "31.7 [20.1 to 43.2]", "reference", ""))),
    ),
    notes=("Difference from the row above, in points of accuracy. " * 2,),
)


def open_console(*, is_terminal: bool, **environment: str) -> Console:
    return Console(
        file=StringIO(),
        force_terminal=is_terminal,
        width=WIDTH,
        _environ={"TERM": "xterm-256color", **environment},
    )


def read(console: Console) -> list[str]:
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def test_table_fits_80_columns_and_its_numbers_are_whole() -> None:
    console = open_console(is_terminal=False)
    print_table(console, TABLE)
    *lines, _ = read(console)
    assert max(map(len, lines)) <= WIDTH
    assert lines == [line.rstrip() for line in lines]
    assert any("proposed" in line and "+30.0 [+20.2 to +39.8]  better" in line for line in lines)
    assert any(line.startswith("[vgg16] ") for line in lines)


@pytest.mark.parametrize(
    ("is_terminal", "environment", "has_color"),
    [(True, {}, True), (True, {"NO_COLOR": "1"}, False), (False, {}, False)],
)
def test_verdicts_have_a_color_where_the_terminal_wants_one(
    is_terminal: bool, environment: dict[str, str], has_color: bool
) -> None:
    console = open_console(is_terminal=is_terminal, **environment)
    print_table(console, TABLE)
    assert ("\x1b[32mbetter" in "\n".join(read(console))) == has_color


def test_text_is_wrapped_under_its_label_on_a_terminal_alone() -> None:
    text = "word " * 30
    console, pipe = open_console(is_terminal=True, NO_COLOR="1"), open_console(is_terminal=False)
    print_fields(console, [("disk", text)], indent=2)
    print_fields(pipe, [("disk", text)], indent=2)
    first, *others = read(console)
    assert first.replace("\x1b[1m", "").startswith("  disk")
    assert others
    assert all(line.replace("\x1b[1m", "").startswith(" " * 10) for line in others)
    assert read(pipe) == [f"  disk    {text}"]


def test_path_is_never_broken() -> None:
    console = open_console(is_terminal=True, NO_COLOR="1")
    print_paths(console, [("report", "x/" * 60)])
    assert len(read(console)) == 1
