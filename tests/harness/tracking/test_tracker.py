"""Tests of `Tracker` on a real MLflow store: logged data is available at once, and studies can be loaded."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.tracking import analysis_plans, mlflow_store, study_reader, tags
from harness.tracking.tags import REUSES_TAG
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.tracking.small_study import OTHER, STUDY, delete_artifacts, log_finished_runs, result


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    """Return a tracker in a folder whose name must be escaped in an address."""
    folder = tmp_path / "a study #1, 100 %"
    folder.mkdir()
    return Tracker(f"sqlite:///{folder / 'mlflow.db'}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_epoch_is_stored_after_flush(tracker: Tracker) -> None:
    spec = STUDY.list_runs()[0]
    run = tracker.start_run(spec, parent=tracker.open_study(STUDY))
    for count, epoch in enumerate(result(spec).history, start=1):
        tracker.log_epochs(run, (epoch,))
        tracker.async_logger.flush()
        others = Tracker(tracker.uri).client
        accuracies = {m.step: m.value for m in others.get_metric_history(run, "validation/accuracy")}
        assert accuracies == {step: 0.25 * step for step in range(1, count + 1)}
        assert others.get_run(run).info.status == "RUNNING"


def test_study_keeps_unique_commands_in_order(tracker: Tracker) -> None:
    for command in ("harness compare", "harness compare --retry-failed", "harness compare"):
        parent = tracker.open_study(STUDY, commands=(command,))
    assert tracker.load_study(STUDY.name)[0].commands == ("harness compare", "harness compare --retry-failed")
    assert tracker.load_commands(parent) == tracker.load_study(STUDY.name)[0].commands


def test_finished_run_is_tagged_with_its_time_and_versions(tracker: Tracker, folder: Path) -> None:
    (spec, other, *_), parent = STUDY.list_runs(), tracker.open_study(STUDY)
    versions = (("harness", "1.2"), ("torch", "2.9"), ("numpy", "2.0"))
    run_result = replace(result(spec), end_time="2026-01-02T03:04:05Z")
    run_result = replace(run_result, environment=replace(run_result.environment, versions=versions))
    folder.mkdir()
    tracker.finish_run(tracker.start_run(spec, parent=parent), run_result, folder=folder)
    log_finished_runs(tracker, [other], parent=parent, folder=folder)
    tagged = {run.key: (run.end_time, run.versions) for run in tracker.list_cell_runs(parent)}
    assert tagged == {
        spec.key: ("2026-01-02T03:04:05Z", "harness 1.2, torch 2.9"),
        other.key: ("", ""),
    }


def test_finished_run_keeps_result_files_and_figures(tracker: Tracker, folder: Path) -> None:
    spec = STUDY.list_runs()[0]
    ids = log_finished_runs(tracker, [spec], parent=tracker.open_study(STUDY), folder=folder)
    files = {item.path for item in tracker.client.list_artifacts(ids[spec.key])}
    own = {"result.json", "predictions.csv", "environment.json", "confusion_matrix.csv"}
    assert files == own | {"curves.png"}
    assert tracker.load_result(ids[spec.key]) == result(spec)


@pytest.mark.parametrize("page", [1000, 3])
def test_study_is_loaded_in_order_for_any_page_size(
    tracker: Tracker, folder: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(mlflow_store, "PAGE_SIZE", page)
    *finished, failed, _ = STUDY.list_runs()
    parent = tracker.open_study(STUDY)
    ids = log_finished_runs(tracker, finished[::-1], parent=parent, folder=folder)
    for reason in ("first", "last"):
        tracker.fail_run(tracker.start_run(failed, parent=parent), reason)
    study_result, _ = tracker.load_study(STUDY.name)
    assert study_result.results == tuple(map(result, finished))
    assert study_result.run_ids == tuple((spec.key, ids[spec.key]) for spec in finished)
    assert [(failure.spec, failure.reason) for failure in study_result.failures] == [(failed, "last")]


def test_run_that_failed_before_it_finished_is_no_failure(tracker: Tracker, folder: Path) -> None:
    spec = STUDY.list_runs()[0]
    parent = tracker.open_study(STUDY)
    tracker.fail_run(tracker.start_run(spec, parent=parent), "the first time")
    log_finished_runs(tracker, [spec], parent=parent, folder=folder)
    study_result = tracker.collect_results(STUDY, parent=parent)
    assert (len(study_result.results), study_result.failures) == (1, ())


@pytest.mark.parametrize("named", [200, 3])
def test_study_with_reused_runs_is_loaded_completely(
    tracker: Tracker, folder: Path, monkeypatch: pytest.MonkeyPatch, named: int
) -> None:
    monkeypatch.setattr(study_reader, "IDS_PER_QUERY", named)
    ids = log_finished_runs(tracker, STUDY.list_runs(), parent=tracker.open_study(STUDY), folder=folder)
    other = tracker.open_study(OTHER)
    for spec in OTHER.list_runs():
        tracker.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))
    study_result = tracker.collect_results(OTHER, parent=other)
    assert study_result.results == tuple(map(result, OTHER.list_runs()))
    assert dict(study_result.run_ids) == ids


def test_reused_run_that_a_dead_process_left_open_is_finished(
    tracker: Tracker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = STUDY.list_runs()[0]
    ids = log_finished_runs(tracker, [spec], parent=tracker.open_study(STUDY), folder=folder)
    other = tracker.open_study(OTHER)
    with monkeypatch.context() as context:
        context.setattr(tracker, "close_run", lambda *_: None)
        tracker.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))
    assert tracker.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))
    (copy,) = tracker.search_runs(f"tags.`{REUSES_TAG}` = '{ids[spec.key]}'")
    assert copy.info.status == "FINISHED"
    assert not tracker.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))


def test_runs_of_another_study_replace_deleted_ones(tracker: Tracker, folder: Path) -> None:
    deleted, never = STUDY.list_runs()[:2]
    parent = tracker.open_study(STUDY)
    first = log_finished_runs(tracker, [deleted], parent=parent, folder=folder)
    delete_artifacts(tracker, first[deleted.key])
    incomplete = tracker.collect_results(STUDY, parent=parent)
    assert [failure.spec for failure in incomplete.failures] == [deleted]
    assert first[deleted.key] in incomplete.failures[0].reason
    run_ids = log_finished_runs(tracker, [deleted, never], parent=tracker.open_study(OTHER), folder=folder)
    study_result = tracker.collect_results(STUDY, parent=parent)
    assert (study_result.results, study_result.failures) == ((result(deleted), result(never)), ())
    assert dict(study_result.run_ids) == run_ids


def test_deleted_run_has_not_finished(tracker: Tracker, folder: Path) -> None:
    spec = STUDY.list_runs()[0]
    ids = log_finished_runs(tracker, [spec], parent=tracker.open_study(STUDY), folder=folder)
    other = tracker.open_study(OTHER)
    tracker.reuse_run(ids[spec.key], spec, parent=other, result=result(spec))
    tracker.client.delete_run(ids[spec.key])
    study_result = tracker.collect_results(OTHER, parent=other)
    assert (study_result.results, study_result.failures) == ((), ())


@pytest.mark.parametrize("fault", ["not json", "{}", ""])
def test_run_with_damaged_record_has_no_result(tracker: Tracker, folder: Path, fault: str) -> None:
    spec = STUDY.list_runs()[0]
    parent = tracker.open_study(STUDY)
    ids = log_finished_runs(tracker, [spec], parent=parent, folder=folder)
    tracker.log_texts(ids[spec.key], {"result.json": fault})
    assert tracker.load_result(ids[spec.key]) is None
    assert [failure.spec for failure in tracker.collect_results(STUDY, parent=parent).failures] == [spec]


def test_missing_run_has_no_result(tracker: Tracker) -> None:
    missing: Any = "0" * 32
    tracker.open_study(STUDY)
    assert tracker.load_result(missing) is None


def test_locked_store_is_an_error(tracker: Tracker) -> None:
    tracker.check_connection()
    with closing(sqlite3.connect(tracker.uri.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        impatient = Tracker(f"{tracker.uri}?timeout=0.1")
        assert impatient.exists()
        with raises_code("tracking-store.locked"):
            impatient.check_connection()
    Tracker(tracker.uri).check_connection()


def test_names_of_tags_in_old_stores_are_still_read() -> None:
    """A store keeps its tags for ever, so that a renamed module must not rename them."""
    assert analysis_plans.PLAN_TAG == "harness.plan"
    assert analysis_plans.PLAN_STATE_TAG == "harness.plan.state"
    assert (tags.KEY_TAG, tags.PROCESS_TAG) == ("harness.key", "harness.process")
