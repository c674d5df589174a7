"""What Typer finds wrong with a command line, as one message like every other: rule, value, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import typer

from datasets.oneline import one_line
from harness.commands.catalogue import COMMANDS, load_command

UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])
"""Every mistake that Typer finds; the library that this class is of differs from version to version."""


def format_usage_error(error: Any) -> str:
    """A usage error on one line, with the option that it is about and where to read on."""
    message = one_line(error.format_message()).rstrip(".")
    value = _rejected_value(error)
    if value and value not in message:
        message += f"; got {value}"
    other_commands = _find_commands_with_option(error) if type(error).__name__ == "NoSuchOption" else ()
    if other_commands:
        message += f"; it is an option of {', '.join(other_commands)}"
    command_path = error.ctx.command_path if error.ctx else "harness COMMAND"
    return f"{message}; `{command_path} --help` lists what it takes"


def is_help(error: Any) -> bool:
    """Whether the error is but a group of commands named alone, whose help has been shown by then."""
    return type(error).__name__ == "NoArgsIsHelpError"


def _rejected_value(error: Any) -> str:
    """The value that could not be read, where the message leaves it out."""
    errors = getattr(error.__cause__, "errors", None)
    return repr(errors()[0]["input"]) if errors else ""


def _find_commands_with_option(error: Any) -> list[str]:
    """The commands that have the option that this one has not."""
    return [
        name
        for name, command in _iter_commands()
        if any(error.option_name in parameter.opts for parameter in command.params)
    ]


def _iter_commands() -> Iterator[tuple[str, Any]]:
    """Every command, by its name as typed."""
    for name in COMMANDS:
        command = load_command(name)
        yield name, command
        for subname, subcommand in getattr(command, "commands", {}).items():
            yield f"{name} {subname}", subcommand
