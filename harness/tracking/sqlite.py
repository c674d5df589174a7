"""Whether a SQLite file is a program's own: whoever opens another's writes tables into it before it fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

SQLITE_HEADER = b"SQLite format 3\0"
"""What such a file begins with; SQLite itself takes a short text for an empty file."""


def is_foreign(path: Path, *, tables: Collection[str]) -> bool:
    """Whether at this place lies anything but an empty file, or one with any of a program's `tables`."""
    if not path.exists():
        return False
    try:
        with path.open("rb") as file:
            header = file.read(len(SQLITE_HEADER))
        if not header:
            return False
        if header != SQLITE_HEADER:
            return True
        # Not for reading alone: what a killed process has left undone is put right first.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    except sqlite3.OperationalError:
        return False  # another process is writing: whoever opens it waits, and says what is wrong
    except (OSError, sqlite3.DatabaseError):
        return True
    table_names = {str(name) for (name,) in rows}
    return bool(table_names) and not table_names & set(tables)
