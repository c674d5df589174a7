import pytest

from harness.tracking.prediction_tables import load_prediction_tables
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.tracking.small_study import STUDY, log_finished_runs


@pytest.fixture(scope="module")
def stored_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tracker, dict[str, str]]:
    """Return a tracker with all runs of the study, and the run ids by key."""
    root = tmp_path_factory.mktemp("store")
    tracker = Tracker(f"sqlite:///{root / 'mlflow.db'}")
    runs = STUDY.list_runs()[:2]
    return tracker, log_finished_runs(tracker, runs, parent=tracker.open_study(STUDY), folder=root / "kept")


def test_run_is_loaded_by_id_and_key(stored_study: tuple[Tracker, dict[str, str]]) -> None:
    tracker, ids = stored_study
    key, run_id = next(iter(ids.items()))
    tables = [load_prediction_tables(tracker, name) for name in (run_id, key[:8])]

    assert tables[0] == tables[1]
    ((table,), _) = tables
    assert [(p.subject, p.clip, p.truth) for p in table.predictions] == [("s", "a", 0), ("s", "b", 1)]
    assert (table.classes, table.format) == (("happiness", "other"), "run")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nosuch", ("study-name.unknown", STUDY.name)),
        ("0000000000", ("prediction-run.ambiguous", "starts with 0000000000", "found: none")),
        (f"{STUDY.name}:proposed", ("training.unknown", "proposed", "finished: none")),
    ],
)
def test_missing_run_is_named(
    stored_study: tuple[Tracker, dict[str, str]], name: str, error: tuple[str, ...]
) -> None:
    with raises_code(*error):
        load_prediction_tables(stored_study[0], name)
