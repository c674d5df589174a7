import json
from pathlib import Path

import pytest

from harness.tracking.tracker import Tracker
from tests.harness.tiny import Run
from tests.harness.tracking.small_study import OTHER, STUDY, log_finished_runs


@pytest.fixture
def studies(tmp_path: Path) -> tuple[str, str]:
    """Record one finished cell of a study and another study in the default store; return their names."""
    tracker = Tracker()
    log_finished_runs(
        tracker, STUDY.list_runs()[:1], parent=tracker.open_study(STUDY), folder=tmp_path / "artifacts"
    )
    tracker.open_study(OTHER)
    return STUDY.name, OTHER.name


def test_studies_are_listed(harness: Run, studies: tuple[str, str]) -> None:
    status, out, _ = harness("report", "--list", "--json")
    assert (status, set(json.loads(out))) == (0, set(studies))
    assert set(harness("report", "--list")[1].split()) == set(studies)


def test_report_of_a_named_study_is_written(harness: Run, studies: tuple[str, str]) -> None:
    status, out, _ = harness("report", studies[0], "--out", "here")
    path = Path(out.strip())
    assert (status, path.name, path.parts[0]) == (0, "report.md", "here")
    assert studies[0] in path.read_text()


def test_empty_store_has_no_study(harness: Run) -> None:
    assert harness("report", "--list")[:2] == (0, "no study yet\n")
    status, out, err = harness("report")
    assert (status, out) == (2, "")
    assert "no study in" in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("a", "--list"), "--list takes no study; got a: leave out one of the two"),
        (("--json",), "--json needs --list; got no --list"),
        (("--format", "pdf"), "'pdf'; accepted: report, latex, megc"),
    ],
)
def test_options_that_do_not_fit_are_one_message(harness: Run, args: tuple[str, ...], message: str) -> None:
    status, out, err = harness("report", *args)
    assert (status, out) == (2, "")
    assert message in err
    assert not Path("mlflow.db").exists()
