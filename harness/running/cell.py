"""One cell from its claim to its record: reused if it has finished, else trained; a failure is kept."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median

import torch
from torch import Tensor

from architectures.network import build
from harness.device import in_words as named
from harness.errors import Stopped, is_full_disk
from harness.labels import run_name
from harness.memory import without_collector
from harness.progress import Event, Tell
from harness.running.claims import Claims
from harness.running.executors import KeepWeights
from harness.running.weights_kept import may_keep
from harness.tracking.ledger import WEIGHTS, Ledger
from harness.training.checkpoint import Checkpoint
from harness.training.run import Material, execute
from harness.training.weights import load_weights, save_weights
from reports.run_pictures import run_curves, run_matrix
from studies.metrics import headline, scores
from studies.results import Epoch, Failure, RunResult
from studies.spec import RunSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A cell that has a result, and the run on the ledger that holds it."""

    result: RunResult
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A cell that another process is at."""


Outcome = Done | Failure | Elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every cell of one study is written down with.

    `retries` says that cells which have failed in the study before are tried again. `keep_weights` says whose
    weights are kept; those of the runs of `keys_read` are read by other cells, and written in any case.
    """

    ledger: Ledger
    claims: Claims
    parent: str
    device: torch.device
    tell: Tell
    retries: bool = False
    keep_weights: KeepWeights = "all"
    keys_read: frozenset[str] = frozenset()


def carry(spec: RunSpec, desk: Desk, material: Callable[[], Material]) -> Outcome:
    """Run a cell unless it is known how it ends; `material` is asked for only where it is run.

    Raises:
        Stopped: nothing more can be written; what had finished is kept, this cell up to its last checkpoint.
        KeyboardInterrupt: as it came, with the open run closed as KILLED.
    """
    with desk.claims.taken(spec.key) as ours:
        if not ours:
            return Elsewhere()
        known = _ended_before(spec, desk)
        if known:
            return known
        with closing(desk.claims.checkpoint(spec.key)) as checkpoint:
            return _run(spec, desk, material, checkpoint=checkpoint)


def _ended_before(spec: RunSpec, desk: Desk) -> Done | Failure | None:
    label, ledger = run_name(spec), desk.ledger
    known = ledger.known(spec.key, parent=desk.parent)
    result = ledger.load(known.finished) if known.finished else None
    if known.finished and result and _stands(result, desk):
        ledger.reuse(known.finished, spec, parent=desk.parent, result=result)
        # Its process may have died between finishing the run and taking this away.
        desk.claims.checkpoint(spec.key).discard()
        desk.tell(Event(kind="reused", label=label, words=in_words(result)))
        return Done(result=result, run_id=known.finished)
    if known.reason and not desk.retries:
        desk.tell(Event(kind="failed", label=label, words=f"{known.reason} (before; --retry-failed)"))
        return Failure(spec=spec, reason=known.reason)
    return None


def _run(
    spec: RunSpec, desk: Desk, material: Callable[[], Material], *, checkpoint: Checkpoint
) -> Done | Failure:
    label, ledger, claims = run_name(spec), desk.ledger, desk.claims
    desk.tell(Event(kind="begun", label=label, of=spec.training.epochs if spec.trains else 0))
    run_id = ledger.begin(spec, parent=desk.parent, place=claims.place, process=claims.process)

    def on_epochs(epochs: Sequence[Epoch]) -> None:
        desk.tell(Event(kind="epochs", label=label, epochs=tuple(epochs), of=spec.training.epochs))
        ledger.log_epochs(run_id, epochs)

    try:
        made = material()
        if not spec.trains:
            made = replace(made, weights=_weights(spec, made, ledger=ledger))
        result, weights = execute(spec, made, on_epochs=on_epochs, checkpoint=checkpoint)
        with tempfile.TemporaryDirectory() as folder, without_collector():
            kept = may_keep(spec, desk.keep_weights) or spec.key in desk.keys_read
            _keep(result, weights if kept else None, folder=Path(folder))
            if not kept:
                ledger.note_dropped(run_id, rule=desk.keep_weights)
            cost = {"checkpoint_seconds": checkpoint.seconds} if spec.trains else {}
            ledger.finish(run_id, result, folder=Path(folder), metrics=cost)
    except KeyboardInterrupt:
        ledger.abandon(run_id)
        raise
    except (Exception, SystemExit) as error:  # a network of the user's own may ask for the end
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        _recorded(error, reason, run_id, label=label, ledger=ledger)
        desk.tell(Event(kind="failed", label=label, words=reason))
        return Failure(spec=spec, reason=reason)
    checkpoint.discard()
    desk.tell(Event(kind="finished", label=label, words=in_words(result)))
    return Done(result=result, run_id=run_id)


def given_up(spec: RunSpec, reason: str, desk: Desk) -> Failure:
    """The failure of a cell that was never heard of again, written down."""
    ledger, claims = desk.ledger, desk.claims
    run_id = ledger.begin(spec, parent=desk.parent, place=claims.place, process=claims.process)
    ledger.fail(run_id, reason)
    desk.tell(Event(kind="failed", label=run_name(spec), words=reason))
    return Failure(spec=spec, reason=reason)


def _recorded(error: Exception | SystemExit, reason: str, run_id: str, *, label: str, ledger: Ledger) -> None:
    """Write a failure down, or raise Stopped where nothing can be written or the store has gone."""
    if isinstance(error, Stopped):
        raise error
    if is_full_disk(error):
        with suppress(Exception):
            ledger.close(run_id, "KILLED")
        raise Stopped(
            f"the disk is full: {label} could not be written ({error}); free some space or move --out, "
            "HARNESS_CACHE and the tracking store, then start the same command again: finished cells "
            "are kept and not run again"
        ) from error
    try:
        ledger.log_texts(run_id, {"traceback.txt": "".join(traceback.format_exception(error))})
        ledger.fail(run_id, reason)
    except Exception as second:
        raise Stopped(
            f"{label} failed ({reason}) and the tracking store does not take that down ({second}); mend "
            "the store and start the same command again: finished cells are kept and not run again"
        ) from error


def _stands(result: RunResult, desk: Desk) -> bool:
    """Whether a finished result answers for its run here: times are those of one device, the rest is not."""
    return result.spec.control != "latency" or result.environment.device == named(desk.device)


def _weights(spec: RunSpec, material: Material, *, ledger: Ledger) -> dict[str, Tensor]:
    """The weights of the network that a run reads; RuntimeError or ValueError where there are none."""
    of = run_name(spec.trained)
    run_id = ledger.find(spec.trained.key)
    if run_id is None:
        raise RuntimeError(f"{of} has not finished, so there is no trained network to read")
    network = build(spec.architecture, classes=len(material.pixels.table.classes))
    with tempfile.TemporaryDirectory() as folder:
        load_weights(network, ledger.weights(run_id, folder), of=of, key=spec.trained.key)
    return network.state_dict()


def _keep(result: RunResult, weights: dict[str, Tensor] | None, *, folder: Path) -> None:
    """Pictures of one run and its best weights, into `folder`; a run that trains nothing has neither."""
    if not result.spec.trains:
        return
    if weights is not None:
        save_weights(weights, folder / WEIGHTS[0], key=result.spec.key, classes=result.data.classes)
    run_matrix(result, folder / "confusion_matrix.png")
    run_curves(result, folder / "curves.png")


def in_words(result: RunResult) -> str:
    """A finished run in half a line."""
    measured = ", ".join(_IN_WORDS.get(result.spec.control, _scored)(result))
    epochs = f"best epoch {result.best_epoch} of {len(result.history)}, " if result.history else ""
    cut = f", out of memory: batches in {result.pieces} pieces" if result.pieces > 1 else ""
    return f"{measured}; {epochs}{result.seconds:.0f} s{cut}"


def _scored(result: RunResult) -> Iterator[str]:
    found = scores(headline(result.predictions, result.spec.protocol), len(result.data.classes))
    yield f"accuracy {100 * found.accuracy:.1f} %"
    yield f"UAR {found.uar:.3f}"
    if found.collapsed:
        yield "collapsed"


def _corrupted(result: RunResult) -> Iterator[str]:
    right = [prediction.answer == prediction.truth for prediction in result.predictions]
    conditions = {prediction.condition for prediction in result.predictions}
    yield f"accuracy {100 * fmean(right):.1f} % over {len(conditions)} kinds and strengths of change"


def _timed(result: RunResult) -> Iterator[str]:
    yield from (f"{timing.part} {median(timing.milliseconds):.1f} ms" for timing in result.timings)


_IN_WORDS = {"robustness": _corrupted, "latency": _timed}
