"""Exceptions for the user, exit statuses, and tests for a full disk and exhausted memory."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from datasets.errors import CodedError
from datasets.text import one_line

EXIT_FAILED, EXIT_WRONG_INPUT = 1, 2
FULL_DISK_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_DISK_REMEDY = (
    "free some space or move --out, HARNESS_CACHE and the tracking store, then start the same command again: "
    "finished cells are kept and not run again"
)


class HarnessError(CodedError):
    """A rule about a request, a run, a store, an archive or a machine is broken."""


class UserError(Exception):
    """Wrong user input. The message states the rule, the value and the remedy. Exit status 2.

    Attributes:
        code: The rule, as `subject.rule`, or "" if the rule has no code.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class StudyAborted(Exception):
    """A study cannot continue; finished cells are kept. Exit status 1."""


@contextmanager
def wrap_user_errors() -> Iterator[None]:
    """Convert errors of a block that checks user input to `UserError`, with their codes."""
    try:
        yield
    except (ValueError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise UserError(one_line(str(error)), code=getattr(error, "code", "")) from error


def check_choice(label: str, value: str, choices: Collection[str]) -> None:
    """Raise HarnessError if `value` is not one of `choices`; the message lists them and names the nearest."""
    if value not in choices:
        raise HarnessError(
            "choice.unknown",
            f"unknown {label} {value!r}; accepted: {', '.join(choices)}{suggest_nearest(value, choices)}",
        )


def suggest_nearest(value: str, choices: Collection[str]) -> str:
    """Return a question that names the choice nearest to `value` in spelling, or "" if none is near."""
    choice_by_folded_name = {choice.casefold(): choice for choice in choices}
    matches = get_close_matches(value.casefold(), choice_by_folded_name, n=1)
    return f". Did you mean '{choice_by_folded_name[matches[0]]}'?" if matches else ""


def is_full_disk(error: BaseException | None) -> bool:
    """Return True if `error`, or an error in its chain of causes, means that the disk is full."""
    import sqlite3  # imported only after a failure, to keep the start of the command line fast

    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL_DISK_ERRNOS:
            return True
        if isinstance(error, sqlite3.OperationalError) and "is full" in str(error):
            return True
        if "database or disk is full" in str(error) or "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if `error` means that a device has no memory for a tensor.

    CUDA raises its own class; on a CPU only the message tells.
    """
    message = f"{type(error).__name__} {error}".lower()
    return "outofmemory" in message or "out of memory" in message or "can't allocate memory" in message
