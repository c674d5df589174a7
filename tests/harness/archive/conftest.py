"""One tiny study that has been exported, for all tests of archives."""

from pathlib import Path

import pytest

from harness.archive.exporting import export
from harness.tracking.ledger import Ledger
from tests.harness.archive.archived import made
from tests.harness.tracking.test_ledger import STUDY


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store: to make its tables takes longer than most tests here."""
    path = tmp_path_factory.mktemp("blank") / "mlflow.db"
    Ledger(f"sqlite:///{path}").check()
    return path


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory, blank: Path) -> Ledger:
    """A ledger that holds the study."""
    return made(tmp_path_factory.mktemp("source") / "there", blank)


@pytest.fixture(scope="session")
def packed(source: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's archive."""
    return export(source, STUDY.name, tmp_path_factory.mktemp("packed") / "study.zip").path
