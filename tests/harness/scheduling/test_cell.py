from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.errors import StudyAborted
from harness.progress import Event
from harness.runs.run_inputs import RunInputs
from harness.scheduling.cell import (
    CellContext,
    LockedElsewhere,
    Success,
    record_failure,
    run_cell,
    summarize_result,
)
from harness.scheduling.cell_locks import CellLocks
from harness.tracking.tracker import Tracker
from studies.results import Failure, Prediction, Timing
from tests.harness.tracking.small_study import STUDY, log_finished_runs, result

SPEC = STUDY.list_runs()[0]
EVENTS: list[Event] = []


@pytest.fixture
def context(tmp_path: Path) -> CellContext:
    EVENTS.clear()
    tracker = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    return CellContext(
        tracker=tracker,
        locks=CellLocks(tracker.uri),
        study_run_id=tracker.open_study(STUDY),
        device=torch.device("cpu"),
        emit=EVENTS.append,
    )


def _raise(error: BaseException) -> Callable[[], RunInputs]:
    def load_inputs() -> RunInputs:
        raise error

    return load_inputs


NOT_LOADED = _raise(AssertionError("the inputs are not needed"))


def test_cell_that_another_process_runs_is_left_to_it(context: CellContext) -> None:
    with CellLocks(context.tracker.uri).lock(SPEC.key):
        assert isinstance(run_cell(SPEC, context, NOT_LOADED), LockedElsewhere)
    assert EVENTS == []


def test_finished_cell_is_reused_without_its_inputs(context: CellContext, tmp_path: Path) -> None:
    run_ids = log_finished_runs(
        context.tracker, [SPEC], parent=context.study_run_id, folder=tmp_path / "artifacts"
    )
    outcome = run_cell(SPEC, context, NOT_LOADED)
    assert outcome == Success(result=result(SPEC), run_id=run_ids[SPEC.key])
    assert [event.kind for event in EVENTS] == ["reused"]


def test_error_of_a_cell_is_recorded_and_the_cell_is_not_run_again(context: CellContext) -> None:
    outcome = run_cell(SPEC, context, _raise(ValueError("no images")))
    assert isinstance(outcome, Failure)
    assert "no images" in outcome.reason
    assert [event.kind for event in EVENTS] == ["begun", "failed"]
    again = run_cell(SPEC, context, NOT_LOADED)
    assert again == outcome
    assert "--retry-failed runs it again" in EVENTS[-1].message


def test_failed_cell_runs_again_on_request(context: CellContext) -> None:
    run_cell(SPEC, context, _raise(ValueError("no images")))
    outcome = run_cell(SPEC, replace(context, retry_failed=True), _raise(ValueError("no memory")))
    assert isinstance(outcome, Failure)
    assert "no memory" in outcome.reason


def test_exit_of_a_users_network_is_a_failure(context: CellContext) -> None:
    assert isinstance(run_cell(SPEC, context, _raise(SystemExit(3))), Failure)


def test_full_disk_stops_the_study_and_is_no_failure_of_the_cell(context: CellContext) -> None:
    with pytest.raises(StudyAborted, match="the disk is full"):
        run_cell(SPEC, context, _raise(OSError(28, "No space left on device")))
    status = context.tracker.cell_status(SPEC.key, parent=context.study_run_id)
    assert (status.finished_run_id, status.failure_reason) == (None, None)


def test_interrupted_cell_is_closed_and_releases_its_lock(context: CellContext) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_cell(SPEC, context, _raise(KeyboardInterrupt()))
    assert context.tracker.cell_status(SPEC.key, parent=context.study_run_id).failure_reason is None
    assert not context.locks.is_locked(SPEC.key)


def test_check_without_its_trained_network_fails_with_the_reason(context: CellContext) -> None:
    check = replace(SPEC, variant="robustness")
    inputs = RunInputs(pixels=None, splits=(), device=context.device)  # type: ignore[arg-type]
    outcome = run_cell(check, context, lambda: inputs)
    assert isinstance(outcome, Failure)
    assert "has not finished, so there is no trained network to read" in outcome.reason


def test_death_of_a_worker_is_recorded_as_a_failure(context: CellContext) -> None:
    failure = record_failure(SPEC, "its process died", context)
    assert failure == Failure(spec=SPEC, reason="its process died")
    status = context.tracker.cell_status(SPEC.key, parent=context.study_run_id)
    assert status.failure_reason == "its process died"


def test_summary_states_scores_epochs_and_seconds() -> None:
    run = result(SPEC)
    assert summarize_result(run) == "accuracy 50.0 %, UAR 0.500, collapsed; best epoch 2 of 2, 2 s"
    assert summarize_result(replace(run, micro_batches=4)).endswith(
        "out of memory: 4 micro-batches per batch"
    )


def test_summary_of_a_check_states_its_own_measurements() -> None:
    robustness = replace(
        result(SPEC),
        spec=replace(SPEC, variant="robustness"),
        history=(),
        predictions=tuple(
            Prediction(
                id="a", subject="s", clip="a", truth=0, probabilities=probabilities, condition=condition
            )
            for condition, probabilities in (("noise 1", (0.9, 0.1)), ("noise 2", (0.1, 0.9)))
        ),
    )
    assert summarize_result(robustness) == "accuracy 50.0 % over 2 corruption conditions; 2 s"
    latency = replace(
        robustness,
        spec=replace(SPEC, variant="latency"),
        timings=(Timing(phase="network", milliseconds=(1.0, 2.0, 9.0)),),
    )
    assert summarize_result(latency) == "network 2.0 ms; 2 s"


def test_record_that_cannot_be_made_leaves_the_finished_cell_reused(
    context: CellContext, tmp_path: Path
) -> None:
    run_ids = log_finished_runs(
        context.tracker, [SPEC], parent=context.study_run_id, folder=tmp_path / "artifacts"
    )
    demanding = replace(context, epoch_record=True)
    outcome = run_cell(SPEC, demanding, _raise(ValueError("no images")))
    assert outcome == Success(result=result(SPEC), run_id=run_ids[SPEC.key])
    assert [event.kind for event in EVENTS] == ["begun", "reused"]
    assert "no record of its epochs: ValueError: no images" in EVENTS[-1].message
    with pytest.raises(StudyAborted, match="the disk is full"):
        run_cell(SPEC, demanding, _raise(OSError(28, "No space left on device")))


def test_finished_cell_with_its_record_is_not_trained_again(context: CellContext, tmp_path: Path) -> None:
    run_ids = log_finished_runs(
        context.tracker, [SPEC], parent=context.study_run_id, folder=tmp_path / "artifacts"
    )
    recorded = replace(result(SPEC), epoch_classes=((0, 1),))
    context.tracker.add_epoch_record(run_ids[SPEC.key], recorded)
    outcome = run_cell(SPEC, replace(context, epoch_record=True), NOT_LOADED)
    assert outcome == Success(result=recorded, run_id=run_ids[SPEC.key])
