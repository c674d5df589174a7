"""Check that a SQLite file belongs to a program, which would otherwise add its tables to a foreign file."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

SQLITE_HEADER = b"SQLite format 3\0"
"""First bytes of a SQLite file; SQLite itself treats a short text file as an empty database."""


def is_foreign(path: Path, *, tables: Collection[str]) -> bool:
    """Return True if `path` exists and is neither empty nor a database with at least one of `tables`."""
    if not path.exists():
        return False
    try:
        with path.open("rb") as file:
            header = file.read(len(SQLITE_HEADER))
        if not header:
            return False
        if header != SQLITE_HEADER:
            return True
        # Open for writing, so that SQLite can roll back the journal of a killed process.
        address = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=0.0)) as database:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    except sqlite3.OperationalError:
        return False  # another process is writing; the caller's own connection waits and reports errors
    except (OSError, sqlite3.DatabaseError):
        return True
    table_names = {str(name) for (name,) in rows}
    return bool(table_names) and not table_names & set(tables)
