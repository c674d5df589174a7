"""Run a study: reuse finished cells, run the others, record failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from harness.runs.run_inputs import RunInputsCache, StudyImages
from harness.scheduling.cell import CellContext, CellOutcome, Success, run_cell
from harness.scheduling.scheduler import Executor, WorkerDeath, run_cells
from harness.scheduling.weight_pruner import WeightPruner
from studies.results import Failure, StudyResult
from studies.spec import RunSpec
from studies.study import Study


def run_study(
    study: Study, executor: Executor, context: CellContext, *, cells: Sequence[RunSpec] | None = None
) -> StudyResult:
    """Run every cell of `study` that has no outcome in the tracking store yet.

    A cell that fails does not stop the others.

    Args:
        study: the study; results are returned in the order of its runs.
        executor: runs the cells.
        context: the tracking store, locks and options of the study. With `context.retry_failed`, only cells
            that have failed in this study before are run.
        cells: all cells of the study in starting order; None means the order of the study.

    Raises:
        StudyAborted: results can no longer be written; finished cells are kept.
        KeyboardInterrupt: the user interrupted the study; its open runs are closed as KILLED.
    """
    tracker, locks = context.tracker, context.locks
    cells = study.list_runs() if cells is None else cells
    pruner = WeightPruner(
        study.list_runs(), tracker, rule=context.keep_weights, study_run_id=context.study_run_id
    )

    def on_success(spec: RunSpec, success: Success) -> None:
        pruner.add_result(spec, success.result, run_id=success.run_id, emit=context.emit)

    status = "KILLED"
    try:
        tracker.close_orphaned_runs(context.study_run_id, lock_scope=locks.scope, is_locked=locks.is_locked)
        if context.retry_failed:
            earlier_result = tracker.reader.collect_results(study, parent=context.study_run_id)
            failed_keys = {failure.spec.key for failure in earlier_result.failures}
            earlier_results, run_ids = (
                {result.spec.key: result for result in earlier_result.results},
                dict(earlier_result.run_ids),
            )
            for spec in study.list_runs():
                if spec.key in earlier_results:
                    on_success(spec, Success(result=earlier_results[spec.key], run_id=run_ids[spec.key]))
            run_cells(
                [spec for spec in cells if spec.key in failed_keys], executor, context, on_success=on_success
            )
            result = tracker.reader.collect_results(study, parent=context.study_run_id)
        else:
            result = _assemble_result(study, run_cells(cells, executor, context, on_success=on_success))
        tracker.close_orphaned_runs(context.study_run_id, lock_scope=locks.scope, is_locked=locks.is_locked)
        status = "FAILED" if result.failures else "FINISHED"
    except KeyboardInterrupt:
        tracker.store.retry_policy.stop()
        raise
    finally:
        _close_study(context, status)
    return result


def _assemble_result(study: Study, outcomes: Mapping[str, Success | Failure]) -> StudyResult:
    study_outcomes = {spec.key: outcomes[spec.key] for spec in study.list_runs()}
    successes = {key: outcome for key, outcome in study_outcomes.items() if isinstance(outcome, Success)}
    return StudyResult(
        study=study,
        results=tuple(outcome.result for outcome in successes.values()),
        failures=tuple(outcome for outcome in study_outcomes.values() if isinstance(outcome, Failure)),
        run_ids=tuple((key, outcome.run_id) for key, outcome in successes.items()),
    )


def _close_study(context: CellContext, status: str) -> None:
    """Close the run of the study; unless it finished, suppress errors that would hide the first one."""
    with suppress(*(() if status == "FINISHED" else (Exception,))):
        context.tracker.close_run(context.study_run_id, status)


class InProcessExecutor:
    """Run cells in this process, one after the other; `images` are those of the study by fingerprint."""

    slots = 1

    def __init__(self, study: Study, images: Mapping[str, StudyImages], context: CellContext) -> None:
        self._context, self._inputs_cache = context, RunInputsCache(study, images, device=context.device)
        self._spec: RunSpec | None = None

    def start(self, spec: RunSpec) -> None:
        """Remember a cell; the next `poll` runs it."""
        self._spec = spec

    def poll(self) -> Sequence[tuple[RunSpec, CellOutcome | WorkerDeath]]:
        """Run the cell of the last `start` and return its outcome."""
        assert self._spec is not None
        spec = self._spec
        return [(spec, run_cell(spec, self._context, lambda: self._inputs_cache.get(spec)))]
