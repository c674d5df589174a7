"""A study from its first cell to its last: reuse what has finished, run the rest, record what fails."""

from __future__ import annotations

import io
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median

import torch
from torch import Tensor

from datasets.likeness import likeness
from datasets.pixels.cache import Pixels
from datasets.spec import MOTION
from harness.device import in_words as named
from harness.errors import Stopped, is_full_disk
from harness.labels import run_name
from harness.memory import without_collector
from harness.progress import Progress
from harness.run import Material, execute
from harness.tracking import Ledger
from reports.run_pictures import run_curves, run_matrix
from studies.metrics import headline, scores
from studies.results import Epoch, Failure, RunResult, StudyResult
from studies.spec import RunSpec, Study


def run_study(
    study: Study,
    data: Mapping[str, Pixels],
    *,
    ledger: Ledger,
    device: torch.device,
    progress: Progress,
    parent: str,
) -> StudyResult:
    """Run every cell of `study` that no ledger entry answers for; a cell that fails does not stop the others.

    `data` gives the images by fingerprint.

    Raises:
        Stopped: nothing more can be written; what had finished is kept.
        KeyboardInterrupt: as it came, with the open runs closed as KILLED.
    """
    results: list[RunResult] = []
    failures: list[Failure] = []
    run_ids: list[tuple[str, str]] = []
    status = "KILLED"
    try:
        materials = _Materials(study, data, device=device)
        for spec in study.runs():
            outcome, run_id = _cell(spec, materials, ledger=ledger, progress=progress, parent=parent)
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                results.append(outcome)
                run_ids.append((spec.key, run_id))
        status = "FAILED" if failures else "FINISHED"
    finally:
        _close_quietly(ledger, parent, status)
    return StudyResult(study=study, results=tuple(results), failures=tuple(failures), run_ids=tuple(run_ids))


class _Materials:
    """What the runs of a study are made from, by fingerprint; each made when a first run has to be made."""

    def __init__(self, study: Study, data: Mapping[str, Pixels], *, device: torch.device) -> None:
        self._study, self._data, self.device = study, data, device
        self._made: dict[str, Material] = {}

    def of(self, spec: RunSpec) -> Material:
        if spec.fingerprint not in self._made:
            pixels = self._data[spec.fingerprint]
            # Likeness is judged on faces; a picture of motion is none.
            faces = self._study.dataset.representation not in MOTION
            judged = faces and spec.fingerprint == self._study.fingerprint
            alike = likeness(pixels.images, pixels.table) if judged else None
            self._made[spec.fingerprint] = Material(pixels=pixels, device=self.device, alike=alike)
        return self._made[spec.fingerprint]


def _cell(
    spec: RunSpec, materials: _Materials, *, ledger: Ledger, progress: Progress, parent: str
) -> tuple[RunResult | Failure, str]:
    label = run_name(spec)
    done = ledger.find(spec.key)
    result = ledger.load(done) if done else None
    if done and result and _stands(result, materials.device):
        ledger.reuse(done, spec, parent=parent, result=result)
        progress.reused(label, in_words(result))
        return result, done
    material = materials.of(spec)
    progress.begin(label, epochs=spec.training.epochs)
    run_id = ledger.begin(spec, parent=parent)

    def on_epoch(epoch: Epoch) -> None:
        progress.epoch(epoch)
        ledger.log_epoch(run_id, epoch)

    try:
        if not spec.trains:
            material = replace(material, weights=_weights(spec.trained, ledger=ledger))
        result, weights = execute(spec, material, on_epoch=on_epoch)
        with tempfile.TemporaryDirectory() as folder, without_collector():
            _keep(result, weights, folder=Path(folder))
            ledger.finish(run_id, result, folder=Path(folder))
    except KeyboardInterrupt:
        _close_quietly(ledger, run_id, "KILLED")
        raise
    except Exception as error:
        if is_full_disk(error):
            _close_quietly(ledger, run_id, "KILLED")
            raise Stopped(
                f"the disk is full: {label} could not be written ({error}); free some space or move --out, "
                "HARNESS_CACHE and the tracking store, then start the same command again: finished cells "
                "are kept and not run again"
            ) from error
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        try:
            ledger.log_texts(run_id, {"traceback.txt": traceback.format_exc()})
            ledger.fail(run_id, reason)
        except Exception as second:
            raise Stopped(
                f"{label} failed ({reason}) and the tracking store does not take that down ({second}); mend "
                "the store and start the same command again: finished cells are kept and not run again"
            ) from error
        progress.failed(label, reason)
        return Failure(spec=spec, reason=reason), run_id
    progress.finished(label, in_words(result))
    return result, run_id


def _stands(result: RunResult, device: torch.device) -> bool:
    """Whether a finished result answers for its run here: times are those of one device, the rest is not."""
    return result.spec.control != "latency" or result.environment.device == named(device)


def _weights(spec: RunSpec, *, ledger: Ledger) -> dict[str, Tensor]:
    """The weights that a finished run kept; RuntimeError if it has none."""
    run_id = ledger.find(spec.key)
    if run_id is None:
        raise RuntimeError(f"{run_name(spec)} has not finished, so there is no trained network to read")
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Tensor] = torch.load(
            ledger.weights(run_id, folder), map_location="cpu", weights_only=True
        )
    return found


def _keep(result: RunResult, weights: dict[str, Tensor], *, folder: Path) -> None:
    """Pictures of one run and its best weights, into `folder`; a run that trains nothing has neither."""
    if not result.spec.trains:
        return
    # Through a buffer, so that a full disk is an OSError and not torch's own kind.
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    (folder / "weights.pt").write_bytes(buffer.getbuffer())
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


def _close_quietly(ledger: Ledger, run_id: str, status: str) -> None:
    """Close a run on the way out of an error, which must not be hidden by a second one."""
    try:
        ledger.close(run_id, status)
    except Exception:
        if status == "FINISHED":
            raise
