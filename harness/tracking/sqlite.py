"""Whether a SQLite file is a program's own: whoever opens another's writes tables into it before it fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

HEADER = b"SQLite format 3\0"
"""What such a file begins with; SQLite itself takes a short text for an empty file."""


def is_foreign(file: Path, *, tables: Collection[str]) -> bool:
    """Whether at this place lies anything but an empty file, or one with any of a program's `tables`."""
    if not file.exists():
        return False
    try:
        with file.open("rb") as opened:
            head = opened.read(len(HEADER))
        if not head:
            return False
        if head != HEADER:
            return True
        # Not for reading alone: what a killed process has left undone is put right first.
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)) as database:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    except sqlite3.OperationalError:
        return False  # another process is writing: whoever opens it waits, and says what is wrong
    except (OSError, sqlite3.DatabaseError):
        return True
    there = {str(name) for (name,) in rows}
    return bool(there) and not there & set(tables)
