"""What Typer finds wrong with a command line, as one message like every other: rule, value, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import typer

from datasets.oneline import one_line
from harness.commands.catalogue import COMMANDS, load_command

UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])
"""Every mistake that Typer finds; the library that this class is of differs from version to version."""


def in_words(error: Any) -> str:
    """A usage error on one line, with the option that it is about and where to read on."""
    told = one_line(error.format_message()).rstrip(".")
    given = _given(error)
    if given and given not in told:
        told += f"; got {given}"
    others = _takers(error) if type(error).__name__ == "NoSuchOption" else ()
    if others:
        told += f"; it is an option of {', '.join(others)}"
    where = error.ctx.command_path if error.ctx else "harness COMMAND"
    return f"{told}; `{where} --help` lists what it takes"


def is_help(error: Any) -> bool:
    """Whether the error is but a group of commands named alone, whose help has been shown by then."""
    return type(error).__name__ == "NoArgsIsHelpError"


def _given(error: Any) -> str:
    """The value that could not be read, where the message leaves it out."""
    judged = getattr(error.__cause__, "errors", None)
    return repr(judged()[0]["input"]) if judged else ""


def _takers(error: Any) -> list[str]:
    """The commands that have the option that this one has not."""
    return [
        name
        for name, command in _commands()
        if any(error.option_name in each.opts for each in command.params)
    ]


def _commands() -> Iterator[tuple[str, Any]]:
    """Every command, by its name as typed."""
    for name in COMMANDS:
        command = load_command(name)
        yield name, command
        for below, subcommand in getattr(command, "commands", {}).items():
            yield f"{name} {below}", subcommand
