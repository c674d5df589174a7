"""Which runs of a study keep the weights of their best epoch: all, the best of each arm, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.errors import Stopped
from harness.labels import run_name
from harness.progress import Event, Tell
from harness.running.executors import KeepWeights
from harness.tracking.ledger import Ledger
from harness.training.train import best_epoch
from studies.results import RunResult
from studies.spec import RunSpec


def keys_read(cells: Sequence[RunSpec]) -> frozenset[str]:
    """The keys of the runs whose weights other cells read."""
    return frozenset(spec.trained.key for spec in cells if not spec.trains)


def may_keep(spec: RunSpec, rule: KeepWeights) -> bool:
    """Whether a run can keep its weights, if it has any, for good: "best" keeps no control's."""
    return not spec.trains or rule == "all" or (rule == "best" and spec.control == "none")


class WeightKeeper:
    """Deletes weights that `rule` does not keep, as the cells of a study finish.

    Under "best" each arm keeps, under each protocol, the weights of the run with the best validation accuracy
    (of equals, the lower loss; of equals, the first in the study), "none" keeps no weights. The weights of a
    run that other cells read stay until all of these have finished; those of runs that another study has
    trained are that study's, and stay.
    """

    def __init__(self, cells: Sequence[RunSpec], ledger: Ledger, *, rule: KeepWeights, parent: str) -> None:
        self._ledger, self._rule, self._parent = ledger, rule, parent
        self._place = {spec.key: number for number, spec in enumerate(cells)}
        self._readers: dict[str, set[str]] = {}
        for spec in cells:
            if not spec.trains:
                self._readers.setdefault(spec.trained.key, set()).add(spec.key)
        self._held: dict[str, tuple[RunSpec, RunResult, str]] = {}
        self._finished: set[str] = set()

    def add(self, spec: RunSpec, result: RunResult, *, run_id: str, tell: Tell) -> None:
        """Count a cell that has finished, and delete the weights that need not be kept any longer."""
        if self._rule == "all":
            return
        self._finished.add(spec.key)
        if spec.trains:
            self._held[spec.key] = spec, result, run_id
        for key in list(self._beaten(spec)):
            beaten, _, run_id = self._held.pop(key)
            try:
                self._ledger.drop_weights(run_id, rule=self._rule, parent=self._parent)
            except Stopped:
                raise
            except Exception as error:  # each kind of artifact store has its own
                why = f"{type(error).__name__}: {error}".splitlines()[0]
                words = f"{run_name(beaten)}: the weights of run {run_id} could not be deleted ({why})"
                tell(Event(kind="remark", words=words))

    def _beaten(self, spec: RunSpec) -> Iterator[str]:
        """The keys of finished runs, of the arm and protocol of `spec`, whose weights can go."""
        held = {
            key: may_keep(own, self._rule)
            for key, (own, _, _) in self._held.items()
            if (own.architecture, own.protocol) == (spec.architecture, spec.protocol)
        }
        best = max((key for key, may in held.items() if may), key=self._rank, default="")
        yield from (key for key in held if key != best and self._readers.get(key, set()) <= self._finished)

    def _rank(self, key: str) -> tuple[float, float, int]:
        best = best_epoch(self._held[key][1].history)
        return best.validation_accuracy, -best.validation_loss, -self._place[key]
