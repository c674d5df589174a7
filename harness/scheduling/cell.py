"""Run one cell: lock it, reuse a finished run or train, and record the result or the failure."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median

import torch
from torch import Tensor

from architectures.network import build_network
from harness.device import describe_device
from harness.errors import FULL_DISK_REMEDY, StudyAborted, is_full_disk
from harness.planning.weight_rule import WeightRule, can_keep_weights
from harness.process_settings import disable_gc
from harness.progress import Event, EventSink
from harness.run_names import format_run_name
from harness.runs.run import execute_run
from harness.runs.run_inputs import RunInputs
from harness.scheduling.cell_locks import CellLocks
from harness.scheduling.failure_reason import describe_error
from harness.tracking.study_reader import WEIGHT_FILES
from harness.tracking.tracker import Tracker
from harness.training.checkpoint import Checkpoint
from harness.training.training_images import collect_training_images
from harness.training.weights import load_weights, save_weights
from reports.plots.run_figures import draw_run_curves, draw_run_matrix
from studies.metrics import compute_scores, to_evaluation_unit
from studies.published_practice import can_record
from studies.results import Epoch, Failure, RunResult
from studies.spec import RunSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """The outcome of a cell with a result, and the tracked run that holds it."""

    result: RunResult
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedElsewhere:
    """The outcome of a cell that another process has locked."""


CellOutcome = Success | Failure | LockedElsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class CellContext:
    """What all cells of a study share.

    Attributes:
        tracker: the tracking store.
        locks: the locks on cells.
        study_run_id: the id of the run of the study itself, the parent of its cells' runs.
        device: the device to train on.
        emit: receives progress events.
        retry_failed: run cells again that have failed in this study before.
        keep_weights: the rule for which weights are kept.
        system_metrics: log system metrics while a cell runs.
        base_run_keys: the keys of the runs whose weights other cells read; these are always saved.
        epoch_record: keep a record of the epochs of each arm's runs (`studies.published_practice`).
    """

    tracker: Tracker
    locks: CellLocks
    study_run_id: str
    device: torch.device
    emit: EventSink
    retry_failed: bool = False
    keep_weights: WeightRule = "all"
    system_metrics: bool = False
    base_run_keys: frozenset[str] = frozenset()
    epoch_record: bool = False


def run_cell(spec: RunSpec, context: CellContext, load_inputs: Callable[[], RunInputs]) -> CellOutcome:
    """Run a cell unless the tracking store has its outcome; `load_inputs` is called only if it runs.

    A finished cell that lacks a record that `context` demands is trained again for it; its result stays.

    Raises:
        StudyAborted: results can no longer be written; finished cells and this cell's checkpoint are kept.
        KeyboardInterrupt: the user interrupted the run; it is closed as KILLED.
    """
    with context.locks.lock(spec.key) as has_lock:
        if not has_lock:
            return LockedElsewhere()
        outcome = _find_earlier_outcome(spec, context)
        if isinstance(outcome, Success):
            return _reuse_result(spec, outcome, context, load_inputs)
        if outcome:
            return outcome
        with closing(context.locks.open_checkpoint(spec.key)) as checkpoint:
            return _run_and_record(spec, context, load_inputs, checkpoint=checkpoint)


def _find_earlier_outcome(spec: RunSpec, context: CellContext) -> Success | Failure | None:
    label, tracker = format_run_name(spec), context.tracker
    status = tracker.cell_status(spec.key, parent=context.study_run_id)
    result = tracker.load_result(status.finished_run_id) if status.finished_run_id else None
    if status.finished_run_id and result and result.is_valid_on(describe_device(context.device)):
        tracker.reuse_run(status.finished_run_id, spec, parent=context.study_run_id, result=result)
        return Success(result=result, run_id=status.finished_run_id)
    if status.failure_reason and not context.retry_failed:
        failure = Failure(spec=spec, reason=status.failure_reason, traceback_run_id=status.traceback_run_id)
        message = f"{failure.text} (earlier; --retry-failed runs it again)"
        context.emit(Event(kind="failed", label=label, message=message))
        return failure
    return None


def _reuse_result(
    spec: RunSpec, success: Success, context: CellContext, load_inputs: Callable[[], RunInputs]
) -> Success:
    """Reuse a finished run; add the record of its epochs if `context` demands one and it has none."""
    message = summarize_result(success.result)
    with closing(context.locks.open_checkpoint(spec.key)) as checkpoint:
        if _needs_record(spec, context) and not success.result.epoch_classes:
            try:
                success = _add_record(spec, success, context, load_inputs, checkpoint=checkpoint)
                message += "; trained again for the record of its epochs"
            except (Exception, SystemExit) as error:  # a user-defined network may call sys.exit
                _raise_if_aborted(error, format_run_name(spec))
                message += f"; no record of its epochs: {describe_error(error, spec)}"
        # The earlier process may have died after it finished the run and before it deleted the checkpoint.
        checkpoint.discard()
    context.emit(Event(kind="reused", label=format_run_name(spec), message=message))
    return success


def _needs_record(spec: RunSpec, context: CellContext) -> bool:
    return context.epoch_record and can_record(spec)


def _add_record(
    spec: RunSpec,
    success: Success,
    context: CellContext,
    load_inputs: Callable[[], RunInputs],
    *,
    checkpoint: Checkpoint,
) -> Success:
    """Train a finished run again and add the record of its epochs to it; its result does not change."""
    label = format_run_name(spec)

    def on_epochs(epochs: Sequence[Epoch]) -> None:
        context.emit(Event(kind="epochs", label=label, epochs=tuple(epochs), max_epochs=spec.training.epochs))

    context.emit(Event(kind="begun", label=label, max_epochs=spec.training.epochs))
    repeated, _ = execute_run(
        spec, load_inputs(), on_epochs=on_epochs, checkpoint=checkpoint, epoch_record=True
    )
    result = replace(success.result, epoch_classes=repeated.epoch_classes)
    context.tracker.add_epoch_record(success.run_id, result)
    return replace(success, result=result)


def _run_and_record(
    spec: RunSpec, context: CellContext, load_inputs: Callable[[], RunInputs], *, checkpoint: Checkpoint
) -> Success | Failure:
    label, tracker, locks = format_run_name(spec), context.tracker, context.locks
    context.emit(Event(kind="begun", label=label, max_epochs=spec.training.epochs if spec.is_trained else 0))
    run_id = tracker.start_run(
        spec, parent=context.study_run_id, lock_scope=locks.scope, process=locks.process
    )

    def on_epochs(epochs: Sequence[Epoch]) -> None:
        context.emit(Event(kind="epochs", label=label, epochs=tuple(epochs), max_epochs=spec.training.epochs))
        tracker.log_epochs(run_id, epochs)

    try:
        inputs = load_inputs()
        if not spec.is_trained:
            inputs = replace(inputs, weights=_load_base_weights(spec, inputs, tracker=tracker))
        with tracker.monitor_system(run_id) if context.system_metrics else nullcontext():
            result, weights = execute_run(
                spec,
                inputs,
                on_epochs=on_epochs,
                checkpoint=checkpoint,
                epoch_record=_needs_record(spec, context),
            )
        with tempfile.TemporaryDirectory() as folder, disable_gc():
            keep_weights = can_keep_weights(spec, context.keep_weights) or spec.key in context.base_run_keys
            _save_artifacts(result, weights if keep_weights else None, inputs, folder=Path(folder))
            if not keep_weights:
                tracker.tag_weights_dropped(run_id, rule=context.keep_weights)
            cost_metrics = {"checkpoint_seconds": checkpoint.cost_seconds} if spec.is_trained else {}
            tracker.finish_run(run_id, result, folder=Path(folder), metrics=cost_metrics)
    except KeyboardInterrupt:
        tracker.abandon_run(run_id)
        raise
    except (Exception, SystemExit) as error:  # a user-defined network may call sys.exit
        failure = Failure(spec=spec, reason=describe_error(error, spec), traceback_run_id=run_id)
        _record_exception(error, failure, label=label, tracker=tracker)
        context.emit(Event(kind="failed", label=label, message=failure.text))
        return failure
    checkpoint.discard()
    context.emit(Event(kind="finished", label=label, message=summarize_result(result)))
    return Success(result=result, run_id=run_id)


def record_failure(spec: RunSpec, reason: str, context: CellContext) -> Failure:
    """Record the failure of a cell whose worker died."""
    tracker, locks = context.tracker, context.locks
    run_id = tracker.start_run(
        spec, parent=context.study_run_id, lock_scope=locks.scope, process=locks.process
    )
    tracker.fail_run(run_id, reason)
    context.emit(Event(kind="failed", label=format_run_name(spec), message=reason))
    return Failure(spec=spec, reason=reason)


def _record_exception(
    error: Exception | SystemExit, failure: Failure, *, label: str, tracker: Tracker
) -> None:
    """Record a failure, or raise `StudyAborted` if the disk is full or the tracking store fails."""
    run_id = failure.traceback_run_id
    if is_full_disk(error) and not isinstance(error, StudyAborted):
        with suppress(Exception):
            tracker.close_run(run_id, "KILLED")
    _raise_if_aborted(error, label)
    try:
        tracker.fail_run(run_id, failure.reason, traceback="".join(traceback.format_exception(error)))
    except Exception as tracking_error:
        raise StudyAborted(
            f"{label} failed ({failure.reason}) and the tracking store cannot record it ({tracking_error}); "
            "repair the store, then start the same command again: finished cells are kept and not run again"
        ) from error


def _raise_if_aborted(error: Exception | SystemExit, label: str) -> None:
    """Raise `StudyAborted` if no cell of the study can be recorded after this error of a cell."""
    if isinstance(error, StudyAborted):
        raise error
    if is_full_disk(error):
        raise StudyAborted(
            f"the disk is full: {label} could not be written ({error}); {FULL_DISK_REMEDY}"
        ) from error


def _load_base_weights(spec: RunSpec, inputs: RunInputs, *, tracker: Tracker) -> dict[str, Tensor]:
    """Load the weights that an evaluation-only run reads.

    Raises:
        RuntimeError: the run that trains the network has not finished.
        ValueError: its weights cannot be read.
    """
    label = format_run_name(spec.base_run)
    run_id = tracker.find_finished_run(spec.base_run.key)
    if run_id is None:
        raise RuntimeError(
            f"{label} has not finished, so there is no trained network to read: start the study's command "
            "again"
        )
    network = build_network(spec.architecture, num_classes=len(inputs.pixels.table.classes))
    with tempfile.TemporaryDirectory() as folder:
        load_weights(network, tracker.download_weights(run_id, folder), label=label, key=spec.base_run.key)
    return network.state_dict()


def _save_artifacts(
    result: RunResult, weights: dict[str, Tensor] | None, inputs: RunInputs, *, folder: Path
) -> None:
    """Write the figures and best weights of a run to `folder`; an evaluation-only run has neither."""
    if not result.spec.is_trained:
        return
    if weights is not None:
        split, _ = inputs.get_split(result.spec)
        save_weights(
            weights,
            folder / WEIGHT_FILES[0],
            key=result.spec.key,
            classes=result.data.classes,
            images=collect_training_images(inputs.pixels.digests, split),
        )
    draw_run_matrix(result, folder / "confusion_matrix.png")
    draw_run_curves(result, folder / "curves.png")


def summarize_result(result: RunResult) -> str:
    """Return one line with the scores, best epoch and time of a finished run."""
    measurements = ", ".join(_SUMMARIZERS.get(result.spec.variant, _summarize_scores)(result))
    epochs = f"best epoch {result.best_epoch} of {len(result.history)}, " if result.history else ""
    micro_batch_note = (
        f", out of memory: {result.micro_batches} micro-batches per batch" if result.micro_batches > 1 else ""
    )
    return f"{measurements}; {epochs}{result.seconds:.0f} s{micro_batch_note}"


def _summarize_scores(result: RunResult) -> Iterator[str]:
    metrics = compute_scores(
        to_evaluation_unit(result.predictions, result.spec.protocol), len(result.data.classes)
    )
    yield f"accuracy {100 * metrics.accuracy:.1f} %"
    yield f"UAR {metrics.uar:.3f}"
    if metrics.is_collapsed:
        yield "collapsed"


def _summarize_robustness(result: RunResult) -> Iterator[str]:
    correct = [prediction.predicted_class == prediction.truth for prediction in result.predictions]
    conditions = {prediction.condition for prediction in result.predictions}
    yield f"accuracy {100 * fmean(correct):.1f} % over {len(conditions)} corruption conditions"


def _summarize_latency(result: RunResult) -> Iterator[str]:
    yield from (f"{timing.phase} {median(timing.milliseconds):.1f} ms" for timing in result.timings)


_SUMMARIZERS = {"robustness": _summarize_robustness, "latency": _summarize_latency}
