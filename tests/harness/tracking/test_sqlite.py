"""Tests that a program's SQLite file is distinguished from foreign, invalid and missing files."""

import sqlite3
from contextlib import closing
from pathlib import Path

from harness.tracking.sqlite import is_foreign


def create_database(file: Path, *tables: str) -> Path:
    with closing(sqlite3.connect(file)) as database:
        for table in tables:
            database.execute(f"CREATE TABLE {table} (x)")
        database.commit()
    return file


def test_own_or_missing_files_are_not_foreign(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    own = create_database(tmp_path / "own", "runs", "other")
    assert not is_foreign(own, tables=("runs", "tags"))
    assert not is_foreign(create_database(tmp_path / "bare"), tables=("runs",))
    assert not is_foreign(tmp_path / "empty", tables=("runs",))
    assert not is_foreign(tmp_path / "no" / "where", tables=("runs",))
    assert not (tmp_path / "no").exists()


def test_other_files_are_foreign_and_unchanged(tmp_path: Path) -> None:
    other = create_database(tmp_path / "other", "studies")
    (tmp_path / "text").write_text("x")
    (tmp_path / "torn").write_bytes(other.read_bytes()[:60])
    before = other.read_bytes()
    for name in ("other", "text", "torn", "."):
        assert is_foreign(tmp_path / name, tables=("runs",)), name
    assert other.read_bytes() == before


def test_locked_file_is_not_foreign(tmp_path: Path) -> None:
    file = create_database(tmp_path / "own", "studies")
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert not is_foreign(file, tables=("runs",))
