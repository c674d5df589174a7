"""Delete the weights of finished runs that `--keep-weights` does not keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.errors import StudyAborted
from harness.planning.weight_rule import WeightRule, can_keep_weights
from harness.progress import Event, EventSink
from harness.run_names import format_run_name
from harness.tracking.tracker import Tracker
from harness.training.train import find_best_epoch
from studies.results import RunResult
from studies.spec import RunSpec


class WeightPruner:
    """Delete weights that `rule` does not keep, while the cells of a study finish.

    "best" keeps, for each arm and protocol, the weights of the run with the highest validation accuracy;
    ties go to the lower loss, then to the first in the study. "none" keeps no weights. Weights that other
    cells read are kept until all of these have finished. Weights of runs that belong to another study are
    never deleted.
    """

    def __init__(
        self, cells: Sequence[RunSpec], tracker: Tracker, *, rule: WeightRule, study_run_id: str
    ) -> None:
        self._tracker, self._rule, self._study_run_id = tracker, rule, study_run_id
        self._positions = {spec.key: position for position, spec in enumerate(cells)}
        self._dependent_keys: dict[str, set[str]] = {}
        for spec in cells:
            if not spec.is_trained:
                self._dependent_keys.setdefault(spec.base_run.key, set()).add(spec.key)
        self._cells_with_weights: dict[str, tuple[RunSpec, RunResult, str]] = {}
        self._finished_keys: set[str] = set()

    def add_result(self, spec: RunSpec, result: RunResult, *, run_id: str, emit: EventSink) -> None:
        """Register a finished cell and delete the weights that are no longer needed."""
        if self._rule == "all":
            return
        self._finished_keys.add(spec.key)
        if spec.is_trained:
            self._cells_with_weights[spec.key] = spec, result, run_id
        for key in list(self._find_prunable_keys(spec)):
            pruned_spec, _, run_id = self._cells_with_weights.pop(key)
            try:
                self._tracker.delete_weights(run_id, rule=self._rule, parent=self._study_run_id)
            except StudyAborted:
                raise
            except Exception as error:  # each kind of artifact store has its own exceptions
                name = format_run_name(pruned_spec)
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                message = f"{name}: the weights of run {run_id} could not be deleted ({reason})"
                emit(Event(kind="remark", message=message))

    def _find_prunable_keys(self, spec: RunSpec) -> Iterator[str]:
        """Yield the keys of finished runs of the arm and protocol of `spec` whose weights can be deleted."""
        can_keep = {
            key: can_keep_weights(candidate, self._rule)
            for key, (candidate, _, _) in self._cells_with_weights.items()
            if (candidate.architecture, candidate.protocol) == (spec.architecture, spec.protocol)
        }
        best = max(
            (key for key, is_candidate in can_keep.items() if is_candidate), key=self._rank, default=""
        )
        yield from (
            key
            for key in can_keep
            if key != best and self._dependent_keys.get(key, set()) <= self._finished_keys
        )

    def _rank(self, key: str) -> tuple[float, float, int]:
        best = find_best_epoch(self._cells_with_weights[key][1].history)
        return best.validation_accuracy, -best.validation_loss, -self._positions[key]
