"""Where errors meet the user: what is their mistake, what is a full disk, and what each exits with."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from datasets.oneline import one_line

EXIT_FAILED, EXIT_WRONG_INPUT = 1, 2
FULL_DISK_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UserError(Exception):
    """One message for the user: the rule, the value, and what is accepted or what to do. Exit status 2."""


class StudyAborted(Exception):
    """A study that could not go on; what had finished is kept. Exit status 1."""


@contextmanager
def wrap_user_errors() -> Iterator[None]:
    """Everything in this block judges what the user gave: its errors are theirs to mend."""
    try:
        yield
    except (ValueError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise UserError(one_line(str(error))) from error


def is_full_disk(error: BaseException | None) -> bool:
    """Whether `error`, or one that it came from, says that no more can be written."""
    import sqlite3  # only once something has failed: the command line is to start at once

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
    """Whether `error` says that a device had no room for a tensor: CUDA's own class, a CPU's mere words."""
    message = f"{type(error).__name__} {error}".lower()
    return "outofmemory" in message or "out of memory" in message or "can't allocate memory" in message
