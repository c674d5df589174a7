"""How a result is written into a run's artifacts, and read back without loss."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from math import isnan
from statistics import median
from typing import Any

from harness.quoting import MARK, quoted, unquoted
from studies.codec import from_data, parsed, to_data, to_json
from studies.metrics import by_clip, by_condition, confusion, headline, scores
from studies.results import Epoch, Prediction, RunResult
from studies.spec import RunSpec

COLUMNS = ("id", "subject", "clip", "condition", "truth", "answer")

_MOST = 1 + 1e-6
"""What rounding can make of a probability of 1."""


def flattened(spec: RunSpec) -> dict[str, Any]:
    """The spec as dotted names and scalars, the arm under its own name first."""
    flat: dict[str, Any] = {"arm": spec.architecture.name}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(f"{prefix}.{name}" if prefix else name, inner)
        else:
            flat[prefix] = value

    walk("", to_data(spec))
    # Under the names of the fields: JSON keeps older ones, and leaves out a training seed of 0.
    flat.pop("training_seed", None)
    return flat | {"split_seed": spec.split_seed, "seed": spec.seed}


def final_metrics(result: RunResult) -> dict[str, float]:
    """The numbers a person compares runs by; accuracies and leak shares in 0..1, times in milliseconds.

    An unknown leak share is left out: a metric of MLflow is a number.
    """
    shares = {"leak/clip": result.leakage.clip, "leak/subject": result.leakage.subject}
    return {
        **_MEASURES.get(result.spec.control, _scores)(result),
        **{name: share for name, share in shares.items() if share is not None},
        "cost/parameters_mib": result.cost.mib,
        "cost/multiply_adds": float(result.cost.multiply_adds),
        "best_epoch": float(result.best_epoch),
        "seconds": result.seconds,
    }


def _scores(result: RunResult) -> dict[str, float]:
    classes = len(result.data.classes)
    main = scores(headline(result.predictions, result.spec.protocol), classes)
    frames = scores(result.predictions, classes)
    clips = scores(by_clip(result.predictions), classes)
    return {
        "test/accuracy": main.accuracy,
        "test/uf1": main.uf1,
        "test/uar": main.uar,
        "test/precision": main.precision,
        "test/frame_accuracy": frames.accuracy,
        "test/clip_accuracy": clips.accuracy,
        "test/collapsed": float(main.collapsed),
    }


def _robustness(result: RunResult) -> dict[str, float]:
    classes = len(result.data.classes)
    return {
        f"robustness/{condition.replace(' ', '_')}": scores(members, classes).accuracy
        for condition, members in by_condition(result.predictions).items()
    }


def _latency(result: RunResult) -> dict[str, float]:
    return {f"latency/{timing.part}": median(timing.milliseconds) for timing in result.timings}


_MEASURES: Mapping[str, Callable[[RunResult], dict[str, float]]] = {
    "robustness": _robustness,
    "latency": _latency,
}


def result_parts(result: RunResult) -> dict[str, str]:
    """The result as artifacts by file name: `load`s back from result.json and predictions.csv."""
    table = _predictions_csv(result)
    data = {**to_data(replace(result, predictions=())), "predictions": _digest(table)}
    parts = {
        "result.json": to_json(data, indent=1),
        "predictions.csv": table,
        "environment.json": to_json(result.environment, indent=1),
    }
    # Answers to changed images, or none at all, make no one matrix.
    return (
        parts if result.spec.control in _MEASURES else {**parts, "confusion_matrix.csv": _confusion(result)}
    )


def _confusion(result: RunResult) -> str:
    matrix = confusion(result.predictions, len(result.data.classes))
    names = [quoted(name) for name in result.data.classes]
    rows = ((name, *row) for name, row in zip(names, matrix, strict=True))
    return _csv(("truth", *names), rows)


def result_from(text_of: Callable[[str], str]) -> RunResult:
    """The result whose `result_parts` these are: `text_of` gives a part's text by its file name.

    Raises:
        ValueError: the parts are not those of a result, or contradict each other.
    """
    data = parsed(text_of("result.json"))
    if not isinstance(data, dict):
        raise ValueError("result.json must hold an object; it was changed since it was written")
    text = text_of("predictions.csv")
    # Older results do not tell the digest.
    if data.get("predictions", _digest(text)) != _digest(text):
        raise ValueError("predictions.csv must be as it was written; it was cut off or changed since")
    # Apart from the rest: the codec looks at every number's type, and these are most numbers there are.
    result = from_data(RunResult, {**data, "predictions": []})
    try:
        table = tuple(_predictions(text, classes=len(result.data.classes)))
    except (csv.Error, TypeError, LookupError) as error:
        raise ValueError(f"predictions.csv must hold the columns of a result's table: {error}") from error
    return replace(result, predictions=table)


def _digest(text: str) -> str:
    """What tells a table from one that was cut off or changed; line ends are as the system writes them."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()


def _predictions(text: str, *, classes: int) -> Iterator[Prediction]:
    """The rows of a predictions.csv; by column, since a report reads hundreds of thousands of them."""
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    if not rows:
        return
    column = dict(zip(header, zip(*rows, strict=True), strict=True))
    parts = [tuple(map(float, column[f"p{c}"])) for c in range(classes)]
    truths = tuple(map(int, column["truth"]))
    if not all(min(part) >= 0 and max(part) <= _MOST and not any(map(isnan, part)) for part in parts):
        raise ValueError("predictions.csv must hold probabilities from 0 to 1")
    if not all(0 <= truth < classes for truth in truths):
        raise ValueError(f"predictions.csv must hold truths below the {classes} classes of result.json")
    told = [column[name] for name in ("id", "subject", "clip")]
    conditions = column.get("condition", ("",) * len(rows))
    if MARK in text:  # which few tables hold, and most of their cells are asked for it in vain
        told, conditions = [tuple(map(unquoted, names)) for names in told], tuple(map(unquoted, conditions))
    for name, subject, clip, truth, probabilities, condition in zip(
        *told, truths, zip(*parts, strict=True), conditions, strict=True
    ):
        yield Prediction(
            id=name,
            subject=subject,
            clip=clip,
            truth=truth,
            probabilities=probabilities,
            condition=condition,
        )


def _predictions_csv(result: RunResult) -> str:
    header = (*COLUMNS, *(f"p{c}" for c in range(len(result.data.classes))))
    rows = (
        (*map(quoted, (p.id, p.subject, p.clip, p.condition)), p.truth, p.answer, *p.probabilities)
        for p in result.predictions
    )
    return _csv(header, rows)


def _csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table with all texts in quotes: a carriage return in one would otherwise end its row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def epoch_metrics(epoch: Epoch) -> dict[str, float]:
    """The metrics of an epoch, by their names in MLflow."""
    values = {
        "train/loss": epoch.train_loss,
        "train/accuracy": epoch.train_accuracy,
        "validation/loss": epoch.validation_loss,
        "validation/accuracy": epoch.validation_accuracy,
    }
    if epoch.gradient_ratio is not None:
        values["gradient/first_over_last"] = epoch.gradient_ratio
    return values
