"""Copies of a store: far cheaper than to run or import its study again."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from harness.tracking.tracker import Tracker
from harness.tracking.uri import get_sqlite_path

COLUMNS = {"runs": "artifact_uri", "experiments": "artifact_location"}
"""Tables of MLflow with absolute addresses of artifacts."""


def copy_store(source: Tracker, folder: Path) -> Tracker:
    """Copy a SQLite store and its artifacts to `folder`, and return a tracker of the copy."""
    database = get_sqlite_path(source.store.uri)
    folder.mkdir(exist_ok=True)
    shutil.copytree(database.parent / "mlruns", folder / "mlruns")
    copy = folder / database.name
    with closing(sqlite3.connect(database)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
        addresses = [(path / "mlruns").resolve().as_uri() for path in (database.parent, folder)]
        for table, column in COLUMNS.items():
            new.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", addresses)
        new.commit()
    return Tracker(f"sqlite:///{copy}")
