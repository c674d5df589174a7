"""Fixtures of the archive tests: one tiny exported study."""

from pathlib import Path

import pytest

from harness.archive.exporter import export_study
from harness.tracking.tracker import Tracker
from tests.harness.archive.tiny_study import SMALL, make_study, new_tracker
from tests.harness.tracking.small_study import STUDY


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty store; creating its tables takes longer than most tests here."""
    path = tmp_path_factory.mktemp("blank") / "mlflow.db"
    Tracker(f"sqlite:///{path}").store.check_connection()
    return path


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory, blank: Path) -> Tracker:
    """Return a tracker that holds the study."""
    return make_study(tmp_path_factory.mktemp("source") / "there", blank, STUDY)


@pytest.fixture(scope="session")
def archive_path(source: Tracker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the study's archive."""
    return export_study(source, STUDY.name, tmp_path_factory.mktemp("packed") / "study.zip").path


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, blank: Path) -> Tracker:
    """Return a tracker that holds a smaller study, for tests that need no more cells."""
    return make_study(tmp_path_factory.mktemp("small") / "there", blank, SMALL)


@pytest.fixture(scope="session")
def packed_small(small: Tracker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the smaller study's archive."""
    return export_study(small, SMALL.name, tmp_path_factory.mktemp("packed") / "small.zip").path


@pytest.fixture
def target(tmp_path: Path, blank: Path) -> Tracker:
    """Return a tracker with another, empty store in the working folder."""
    return new_tracker(tmp_path, blank)
