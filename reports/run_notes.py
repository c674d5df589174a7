"""What was run, where and with what: a study's settings, and the trace from its rows to its runs."""

from __future__ import annotations

from collections.abc import Iterable

from datasets.spec import DatasetSpec
from reports.beside import title_of
from reports.numbers import NOTHING, label, whole
from reports.outcomes import Outcomes, training_id, training_label
from reports.table import Cell, Table
from studies.checks import CHECKS
from studies.metrics import METRIC_NAMES, headline, scores
from studies.results import RunResult
from studies.spec import Study, TrainingSpec

PROTOCOLS = {
    "frame": "7:2:1 over frames, as in the paper: frames of one clip stand on both sides",
    "clip": "7:2:1 over clips: a clip stands on one side, its subject on both",
    "subject": "7:2:1 over subjects: nobody tested was seen in training",
    "kfold": "folds over subjects, pooled: nobody tested was seen in training",
    "loso": "one subject left out at a time, pooled: nobody tested was seen in training",
}

TUNED = "each network by the learning rate, γ and class weights that its search has found, in place of these"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def headline_of(study: Study, *more: str) -> str:
    """A study in a few words, and `more` that tells it from others: "Comparison on CK+ (preset quick)"."""
    design = (f"design {study.design}",) if study.design else ()
    told = ", ".join((f"preset {study.preset}", *design, *more))
    return f"{study.kind.capitalize()} on {title_of(study.dataset.name)} ({told})"


def settings(study: Outcomes) -> tuple[str, ...]:
    """Everything that a study fixed, and how far it has come, one text a line."""
    spec, result = study.study, study.result
    done, failed, left = study.progress
    seconds = sum(run.seconds for run in result.results)
    return (
        f"Study: {spec.name}",
        f"Networks: {', '.join(arm.name for arm in spec.arms)}",
        *(f"Protocol {name}: {PROTOCOLS.get(name, 'of its own')}" for name in spec.protocols),
        f"Divisions: {', '.join(map(str, spec.split_seeds))}; training seeds: "
        f"{', '.join(map(str, spec.seeds))}",
        f"Verdicts by {METRIC_NAMES[spec.metric]}, margin ±{100 * spec.margin:g} points",
        f"Images: {images_in_words(spec.dataset)}, data {spec.fingerprint[:16]}",
        f"Training: {training_in_words(spec.training)}",
        *([f"Tuned: {TUNED}"] if spec.searches else []),
        *(f"Check {check}: {CHECKS[check]}" for check in spec.checks),
        *(f"Machine: {text}" for text in _machines(result.results)),
        *(f"Memory: {text}" for text in _cut(result.results)),
        f"Runs: {done} finished, {failed} failed, {left} not run; {duration(seconds)} (h:min:s) of run time",
    )


def images_in_words(spec: DatasetSpec) -> str:
    """Which frames, from which form of the release, and what was made of them."""
    layout = f", layout {spec.layout}" if spec.layout else ""
    how = f"alignment {spec.alignment}, shown as {spec.representation}"
    return f"{spec.image_size} px, frames {spec.frames}{layout}, {how}"


def training_in_words(spec: TrainingSpec) -> str:
    """How every network was trained."""
    weights = "inverse class frequencies" if spec.class_weights == "inverse" else "no class weights"
    a = spec.augmentation
    return (
        f"Adam, learning rate {spec.learning_rate:g}, batch {spec.batch}, at most {spec.epochs} epochs, "
        f"stopped after {spec.patience} without a better validation accuracy (of equals, "
        f"a lower validation loss); focal loss with γ = "
        f"{spec.gamma:g} and α from {weights}; augmentation: flip {a.flip:g}, rotation ±{a.rotation:g}°, "
        f"scale ±{a.scale:g}, crop ±{a.crop:g}, brightness ±{a.brightness:g}, contrast ±{a.contrast:g}, "
        f"saturation ±{a.saturation:g}, hue ±{a.hue:g}; {spec.precision}, "
        f"{spec.engine} engine{', deterministic' if spec.deterministic else ''}"
    )


def _cut(results: Iterable[RunResult]) -> tuple[str, ...]:
    """Which runs had their batches cut, as a whole one did not fit."""
    return tuple(
        f"{run.spec.name} ({run.spec.protocol}, {training_label(run.spec)}, fold {run.spec.fold}) was "
        f"trained with each batch in {run.pieces} pieces, as a whole one did not fit; its gradients are "
        "the batch's, its batch norms saw a piece at a time"
        for run in results
        if run.pieces > 1
    )


def _machines(results: Iterable[RunResult]) -> tuple[str, ...]:
    found = dict.fromkeys(result.environment for result in results)
    return tuple(
        f"{e.device}; {e.platform}; {e.threads} threads; "
        f"{', '.join(f'{name} {version}' for name, version in e.versions)}; commit {e.commit}"
        for e in found
    )


def trace_table(study: Outcomes) -> Table:
    """A row a run: its key, its run on the tracking server, how long it trained."""
    ids = dict(study.result.run_ids)
    results = {result.spec.key: result for result in study.result.results}
    failed = {failure.spec.key for failure in study.result.failures}
    folds = len({spec.fold for spec in study.study.runs()}) > 1
    rows = []
    for spec in study.study.runs():
        found = results.get(spec.key)
        tail = _finished(found) if found else _unfinished(failed=spec.key in failed)
        division, seed = training_id(spec)
        place = (spec.name, spec.protocol, str(division), str(seed), *((str(spec.fold),) if folds else ()))
        rows.append((*map(label, place), label(spec.key), label(ids.get(spec.key, NOTHING)), *tail))
    tail_header = ("Best epoch", "Epochs", "Seconds", "Test frames", "Collapsed")
    header = ("Network", "Protocol", "Division", "Seed", *(("Fold",) if folds else ()), "Key", "MLflow run")
    return Table(
        id=f"trace-{study.study.name}",
        title=f"Runs of {study.study.name}",
        header=(*header, *tail_header),
        rows=tuple(rows),
        notes=(
            "Key: digest of everything that identifies a run; the same run has the same key in every study.",
        ),
    )


def _finished(result: RunResult) -> tuple[Cell, ...]:
    keys = (result.spec.key,)
    seconds = Cell(text=f"{result.seconds:.1f}", value=result.seconds, run_keys=keys)
    counts = (whole(result.best_epoch, keys), whole(len(result.history), keys))
    if result.spec.control in ("robustness", "latency"):
        # Not the test as it is, or no test at all.
        return (*counts, seconds, label(NOTHING), label(NOTHING))
    found = scores(headline(result.predictions, result.spec.protocol), len(result.data.classes))
    collapsed = label("collapsed" if found.collapsed else "no")
    return (*counts, seconds, whole(len(result.predictions), keys), collapsed)


def _unfinished(*, failed: bool) -> tuple[Cell, ...]:
    return (label("failed" if failed else "not run"), *[label(NOTHING)] * 4)
