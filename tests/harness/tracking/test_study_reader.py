from pathlib import Path

import pytest

from harness.tracking.tracker import Tracker
from tests.harness.tracking.small_study import OTHER, STUDY, log_finished_runs, result

SPECS = STUDY.list_runs()


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory, store_template: None) -> Tracker:
    """Return a tracker of a study whose first cell finished and whose second cell failed."""
    folder = tmp_path_factory.mktemp("store")
    stored = Tracker(f"sqlite:///{folder / 'mlflow.db'}")
    run_id = stored.open_study(STUDY)
    log_finished_runs(stored, SPECS[:1], parent=run_id, folder=folder / "artifacts")
    stored.fail_run(stored.start_run(SPECS[1], parent=run_id), "out of memory")
    return stored


@pytest.fixture
def study_run_id(tracker: Tracker) -> str:
    return tracker.find_study(STUDY.name)[1]


def test_status_of_a_cell_names_its_finished_run_or_its_reason(tracker: Tracker, study_run_id: str) -> None:
    finished, failed, pending = (tracker.cell_status(spec.key, parent=study_run_id) for spec in SPECS[:3])
    assert finished.finished_run_id == tracker.find_finished_run(SPECS[0].key)
    assert (finished.failure_reason, failed.failure_reason) == (None, "out of memory")
    assert (failed.finished_run_id, pending.finished_run_id, pending.failure_reason) == (None, None, None)


def test_failure_counts_only_in_its_own_study(tracker: Tracker, study_run_id: str) -> None:
    other_id = tracker.open_study(OTHER)
    assert tracker.cell_status(SPECS[1].key, parent=other_id).failure_reason is None
    assert tracker.cell_status(SPECS[0].key, parent=other_id).finished_run_id is not None
    assert study_run_id != other_id


def test_states_of_a_study_name_its_finished_and_failed_cells(tracker: Tracker) -> None:
    assert tracker.cell_states(STUDY) == {SPECS[0].key: "done", SPECS[1].key: "failed"}
    assert tracker.cell_states(OTHER) == {SPECS[0].key: "done"}


@pytest.mark.parametrize("max_queries", [0, 50])
def test_runs_of_other_studies_are_the_same_by_one_query_and_by_several(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, max_queries: int
) -> None:
    monkeypatch.setattr("harness.tracking.study_reader.MAX_KEY_QUERIES", max_queries)
    assert list(tracker.find_finished_runs([spec.key for spec in SPECS])) == [SPECS[0].key]
    assert tracker.find_finished_runs([SPECS[1].key]) == {}


def test_search_matches_the_start_of_a_key(tracker: Tracker) -> None:
    cells = tracker.find_cells(SPECS[0].key[:6])
    assert list(cells.values()) == [(SPECS[0].key, "FINISHED")]
    (run_id,) = cells
    assert tracker.find_cells(run_id[:12]) == cells


def test_result_is_loaded_from_the_artifacts(tracker: Tracker, study_run_id: str) -> None:
    run_id = tracker.find_finished_run(SPECS[0].key)
    assert run_id is not None
    assert tracker.load_result(run_id) == result(SPECS[0])
    assert tracker.load_result(study_run_id) is None


def test_study_is_loaded_with_its_outcomes(tracker: Tracker, study_run_id: str) -> None:
    study_result, figures = tracker.load_study(STUDY.name)
    assert (study_result.study, figures) == (STUDY, {})
    assert study_result.results == (result(SPECS[0]),)
    assert [(failure.spec, failure.reason) for failure in study_result.failures] == [
        (SPECS[1], "out of memory")
    ]
    assert tracker.find_study(STUDY.name) == (STUDY, study_run_id)


def test_unknown_study_is_refused_with_the_known_names(tracker: Tracker) -> None:
    with pytest.raises(ValueError, match=STUDY.name):
        tracker.find_study("other")
    with pytest.raises(ValueError, match=f"a run of the study {STUDY.name}: name that study"):
        tracker.find_study(SPECS[0].key[:8])


def test_newest_study_is_the_first_of_the_list(tracker: Tracker) -> None:
    assert tracker.list_study_names()[0] == tracker.get_newest_study_name()
    assert STUDY.name in tracker.list_study_names()


def test_store_without_a_study_has_no_newest_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no study in "):
        Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}").get_newest_study_name()


def test_runs_without_weights_are_refused_with_the_reason(tracker: Tracker, tmp_path: Path) -> None:
    run_id = tracker.find_finished_run(SPECS[0].key)
    assert run_id is not None
    tracker.tag_weights_dropped(run_id, rule="none")
    with pytest.raises(ValueError, match="--keep-weights"):
        tracker.download_weights(run_id, str(tmp_path))
