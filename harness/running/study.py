"""A study from its first cell to its last: reuse what has finished, run the rest, record what fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from datasets.pixels.cache import Pixels
from harness.running.cell import Desk, Done, Outcome, carry
from harness.running.material import Materials
from harness.running.schedule import Died, Executor, carried_out
from harness.running.weights_kept import WeightKeeper
from studies.results import Failure, StudyResult
from studies.spec import RunSpec, Study


def run_study(
    study: Study, executor: Executor, desk: Desk, *, cells: Sequence[RunSpec] | None = None
) -> StudyResult:
    """Run every cell of `study` that no ledger entry answers for; a cell that fails does not stop the others.

    `cells` are all of the study in the order in which they start; None is the study's own order, in which
    results come in any case. With `desk.retries` only cells that have failed in it before are run.

    Raises:
        Stopped: nothing more can be written; what had finished is kept.
        KeyboardInterrupt: as it came, with the open runs closed as KILLED.
    """
    ledger, claims = desk.ledger, desk.claims
    cells = study.runs() if cells is None else cells
    keeper = WeightKeeper(study.runs(), ledger, rule=desk.keep_weights, parent=desk.parent)

    def on_done(spec: RunSpec, done: Done) -> None:
        keeper.add(spec, done.result, run_id=done.run_id, tell=desk.tell)

    status = "KILLED"
    try:
        ledger.bury(desk.parent, place=claims.place, held=claims.held)
        if desk.retries:
            before = ledger.collect(study, parent=desk.parent)
            failed = {failure.spec.key for failure in before.failures}
            done, run_ids = {result.spec.key: result for result in before.results}, dict(before.run_ids)
            for spec in study.runs():
                if spec.key in done:
                    on_done(spec, Done(result=done[spec.key], run_id=run_ids[spec.key]))
            carried_out([spec for spec in cells if spec.key in failed], executor, desk, on_done=on_done)
            result = ledger.collect(study, parent=desk.parent)
        else:
            result = _gathered(study, carried_out(cells, executor, desk, on_done=on_done))
        ledger.bury(desk.parent, place=claims.place, held=claims.held)
        status = "FAILED" if result.failures else "FINISHED"
    except KeyboardInterrupt:
        ledger.patience.end()
        raise
    finally:
        _close(desk, status)
    return result


def _gathered(study: Study, outcomes: Mapping[str, Done | Failure]) -> StudyResult:
    ended = {spec.key: outcomes[spec.key] for spec in study.runs()}
    done = {key: outcome for key, outcome in ended.items() if isinstance(outcome, Done)}
    return StudyResult(
        study=study,
        results=tuple(outcome.result for outcome in done.values()),
        failures=tuple(outcome for outcome in ended.values() if isinstance(outcome, Failure)),
        run_ids=tuple((key, outcome.run_id) for key, outcome in done.items()),
    )


def _close(desk: Desk, status: str) -> None:
    """Close the study's own run; on the way out of an error that error must not be hidden by a second one."""
    with suppress(*(() if status == "FINISHED" else (Exception,))):
        desk.ledger.close(desk.parent, status)


class Here:
    """Runs cells in this process, one after the other; `data` gives the images by fingerprint."""

    slots = 1

    def __init__(self, study: Study, data: Mapping[str, Pixels], desk: Desk) -> None:
        self._desk, self._materials = desk, Materials(study, data, device=desk.device)
        self._spec: RunSpec | None = None

    def start(self, spec: RunSpec) -> None:
        """Have a cell run when its end is asked for."""
        self._spec = spec

    def ended(self) -> Sequence[tuple[RunSpec, Outcome | Died]]:
        """The cell that was started, run."""
        assert self._spec is not None
        spec = self._spec
        return [(spec, carry(spec, self._desk, lambda: self._materials.of(spec)))]
