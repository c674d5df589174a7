"""Fixtures of all tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import sqlalchemy


@pytest.fixture(scope="session")
def store_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let MLflow copy its tables into a new SQLite store in this process.

    MLflow would run all its migrations, which takes over a second for each store.
    """
    from mlflow.store.db import utils

    template = tmp_path_factory.mktemp("store") / "template.db"
    create_tables: Callable[[sqlalchemy.Engine], None] = utils._initialize_tables

    def copy_tables(engine: sqlalchemy.Engine) -> None:
        if engine.dialect.name != "sqlite":
            create_tables(engine)
            return
        if not template.exists():
            _create_template(template, create_tables)
        with closing(sqlite3.connect(template)) as source, closing(engine.raw_connection()) as target:
            copy = target.driver_connection
            assert isinstance(copy, sqlite3.Connection)
            source.backup(copy)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "_initialize_tables", copy_tables)
        yield


def _create_template(path: Path, create_tables: Callable[[sqlalchemy.Engine], None]) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    create_tables(engine)
    engine.dispose()
