"""The command line as the user typed it, for the record of a study."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def format_command(arguments: Sequence[str]) -> str:
    """Return the command line of `harness` with these arguments, quoted for a shell, without logins."""
    return shlex.join(("harness", *map(_remove_login, arguments)))


def _remove_login(argument: str) -> str:
    """Return an argument without the login of an address such as http://user:password@host."""
    from harness.tracking.uri import strip_credentials

    option, separator, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    has_login = "@" in value.partition("://")[2]
    return f"{option}{separator}{strip_credentials(value)}" if has_login else argument
