"""Format Typer's usage errors like all other errors: rule, value, remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import typer

from datasets.text import one_line
from harness.commands.catalogue import COMMANDS, load_command
from harness.errors import suggest_nearest

UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])
"""Base class of Typer's usage errors. The library that defines it depends on Typer's version."""


def format_usage_error(error: Any) -> str:
    """Format a usage error on one line, with the rejected value and the command whose help to read."""
    message = one_line(error.format_message()).rstrip(".")
    value = _rejected_value(error)
    if value and value not in message:
        message += f"; got {value}"
    if type(error).__name__ == "NoSuchOption":
        message = _describe_unknown_option(error)
    command_path = error.ctx.command_path if error.ctx else "harness COMMAND"
    separator = " See" if message.endswith("?") else "; see"
    return f"{message}{separator} `{command_path} --help`"


def is_help(error: Any) -> bool:
    """Return True if a command group was called without a command; Typer has then printed its help."""
    return type(error).__name__ == "NoArgsIsHelpError"


def _rejected_value(error: Any) -> str:
    """Return the repr of the value that failed validation, or "" if the error does not hold it."""
    errors = getattr(error.__cause__, "errors", None)
    return repr(errors()[0]["input"]) if errors else ""


def _describe_unknown_option(error: Any) -> str:
    """Return an error with the commands that have the option or, if none has it, the nearest option."""
    message = f"No such option: {error.option_name}"
    other_commands = _find_commands_with_option(error)
    if other_commands:
        return f"{message}; it is an option of {', '.join(other_commands)}"
    parameters = error.ctx.command.get_params(error.ctx) if error.ctx else ()
    return message + suggest_nearest(error.option_name, [name for p in parameters for name in p.opts])


def _find_commands_with_option(error: Any) -> list[str]:
    """Return the names of the commands that have the option which this command lacks."""
    return [
        name
        for name, command in _iter_commands()
        if any(error.option_name in parameter.opts for parameter in command.params)
    ]


def _iter_commands() -> Iterator[tuple[str, Any]]:
    """Yield the full name of each command, with the command itself."""
    for name in COMMANDS:
        command = load_command(name)
        yield name, command
        for subname, subcommand in getattr(command, "commands", {}).items():
            yield f"{name} {subname}", subcommand
