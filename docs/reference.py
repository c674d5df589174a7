"""Write reference.md, the options of every command: python docs/reference.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from harness.commands.catalogue import COMMANDS, load_command

PAGE = Path(__file__).with_name("reference.md")


def render_reference() -> str:
    """Render the reference of all commands as markdown."""
    lines = [
        "# Command reference",
        "",
        "This page is made from the command line by `python docs/reference.py`.",
        "`harness COMMAND --help` shows the same.",
    ]
    for name in COMMANDS:
        lines += _render_command(f"harness {name}", load_command(name))
    return "\n".join(lines) + "\n"


def _render_command(name: str, command: click.Command) -> Iterator[str]:
    yield from ("", f"## {name}", "", (command.help or "").strip())
    if children := getattr(command, "commands", None):
        for child_name, child in children.items():
            yield from _render_command(f"{name} {child_name}", child)
        return
    context = click.Context(command, info_name=name)
    options = [parameter for parameter in command.get_params(context) if "--help" not in parameter.opts]
    if not options:
        return
    yield from ("", "| argument or option | meaning |", "|---|---|")
    for option in options:
        record = option.get_help_record(context) or (option.make_metavar(context), "")
        yield f"| `{_escape(record[0])}` | {_escape(record[1])} |"


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render_reference(), encoding="utf-8")
