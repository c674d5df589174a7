"""Convert a result to the artifact files of its run, and back without loss."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from math import isnan
from statistics import median
from typing import Any

from datasets.text import sanitize
from harness.csv_escape import ESCAPE, csv_escape, csv_unescape
from harness.errors import HarnessError
from studies.codec import decode_json, from_data, name_json_type, to_data, to_json
from studies.metrics import (
    aggregate_by_clip,
    compute_confusion_matrix,
    compute_scores,
    group_by_condition,
    to_evaluation_unit,
)
from studies.results import Epoch, Prediction, RunResult
from studies.spec import RunSpec

PREDICTION_COLUMNS = ("id", "subject", "clip", "condition", "truth", "answer")

_MAX_PROBABILITY = 1 + 1e-6
"""Tolerance for a probability of 1 that was rounded up."""

_RESTORE_FILE = "restore the file as the run wrote it"


def flatten_spec(spec: RunSpec) -> dict[str, Any]:
    """Return the spec as scalars by dotted name, starting with the name of the arm."""
    flat: dict[str, Any] = {"arm": spec.architecture.name}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                walk(f"{prefix}.{name}" if prefix else name, item)
        else:
            flat[prefix] = value

    walk("", to_data(spec))
    # Use the current field names: JSON has older names and omits a training seed of 0.
    flat.pop("training_seed", None)
    return flat | {"split_seed": spec.split_seed, "seed": spec.seed}


def compute_final_metrics(result: RunResult) -> dict[str, float]:
    """Return the metrics for comparing runs.

    Accuracies and leak fractions are between 0 and 1, latencies in milliseconds. An unknown leak fraction is
    left out, because an MLflow metric must be a number.
    """
    leak_fractions = {"leak/clip": result.leakage.clip, "leak/subject": result.leakage.subject}
    return {
        **_METRIC_FUNCTIONS.get(result.spec.variant, _compute_score_metrics)(result),
        **{name: fraction for name, fraction in leak_fractions.items() if fraction is not None},
        "cost/parameters_mib": result.cost.mib,
        "cost/multiply_adds": float(result.cost.multiply_adds),
        "best_epoch": float(result.best_epoch),
        "seconds": result.seconds,
    }


def _compute_score_metrics(result: RunResult) -> dict[str, float]:
    num_classes = len(result.data.classes)
    unit_scores = compute_scores(to_evaluation_unit(result.predictions, result.spec.protocol), num_classes)
    frame_scores = compute_scores(result.predictions, num_classes)
    clip_scores = compute_scores(aggregate_by_clip(result.predictions), num_classes)
    return {
        "test/accuracy": unit_scores.accuracy,
        "test/uf1": unit_scores.uf1,
        "test/uar": unit_scores.uar,
        "test/precision": unit_scores.precision,
        "test/frame_accuracy": frame_scores.accuracy,
        "test/clip_accuracy": clip_scores.accuracy,
        "test/collapsed": float(unit_scores.is_collapsed),
    }


def _compute_robustness_metrics(result: RunResult) -> dict[str, float]:
    num_classes = len(result.data.classes)
    return {
        f"robustness/{condition.replace(' ', '_')}": compute_scores(predictions, num_classes).accuracy
        for condition, predictions in group_by_condition(result.predictions).items()
    }


def _compute_latency_metrics(result: RunResult) -> dict[str, float]:
    return {f"latency/{timing.phase}": median(timing.milliseconds) for timing in result.timings}


_METRIC_FUNCTIONS: Mapping[str, Callable[[RunResult], dict[str, float]]] = {
    "robustness": _compute_robustness_metrics,
    "latency": _compute_latency_metrics,
}


def render_result_files(result: RunResult) -> dict[str, str]:
    """Return a result's artifact files by name; `parse_result` reads result.json and predictions.csv."""
    table = _format_predictions(result)
    data = {**to_data(replace(result, predictions=())), "predictions": _compute_digest(table)}
    files = {
        "result.json": to_json(data, indent=1),
        "predictions.csv": table,
        "environment.json": to_json(result.environment, indent=1),
    }
    # Robustness runs have one matrix per condition and latency runs have none.
    return (
        files
        if result.spec.variant in _METRIC_FUNCTIONS
        else {**files, "confusion_matrix.csv": _format_confusion(result)}
    )


def _format_confusion(result: RunResult) -> str:
    matrix = compute_confusion_matrix(result.predictions, len(result.data.classes))
    names = [csv_escape(name) for name in result.data.classes]
    rows = ((name, *row) for name, row in zip(names, matrix, strict=True))
    return _format_csv(("truth", *names), rows)


def parse_result(read_text: Callable[[str], str]) -> RunResult:
    """Parse a result from its artifact files; `read_text` returns the text of a file by its name.

    Raises:
        HarnessError: the files do not form a result, or contradict each other.
    """
    data = decode_json(read_text("result.json"))
    if not isinstance(data, dict):
        raise HarnessError(
            "result-json.not-an-object",
            f"result.json must hold an object; it holds {name_json_type(data)}: {_RESTORE_FILE}",
        )
    text = read_text("predictions.csv")
    digest = _compute_digest(text)
    expected_digest = data.get("predictions", digest)  # older results have no digest
    if expected_digest != digest:
        raise HarnessError(
            "predictions-csv.cut-off",
            f"predictions.csv must have the digest of result.json, {sanitize(str(expected_digest))}; got "
            f"{digest}, so it was cut off or changed: {_RESTORE_FILE}",
        )
    # Parse the predictions separately: the codec checks the type of every number, which is slow for them.
    result = from_data(RunResult, {**data, "predictions": []})
    try:
        predictions = tuple(_parse_predictions(text, num_classes=len(result.data.classes)))
    except (csv.Error, TypeError, LookupError) as error:
        raise HarnessError(
            "predictions-csv.columns",
            f"predictions.csv must hold the columns of a result's table: {error}; {_RESTORE_FILE}",
        ) from error
    return replace(result, predictions=predictions)


def _compute_digest(text: str) -> str:
    """Return a digest that detects a truncated or changed table; it ignores the kind of line ends."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()


def _parse_predictions(text: str, *, num_classes: int) -> Iterator[Prediction]:
    """Parse a predictions.csv; by column for speed, as a report reads hundreds of thousands of rows."""
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    if not rows:
        return
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    probability_columns = [tuple(map(float, columns[f"p{c}"])) for c in range(num_classes)]
    truths = tuple(map(int, columns["truth"]))
    for column in probability_columns:
        if min(column) < 0 or max(column) > _MAX_PROBABILITY or any(map(isnan, column)):
            invalid_value = next(value for value in column if not 0 <= value <= _MAX_PROBABILITY)
            raise HarnessError(
                "predictions-csv.probability-range",
                f"predictions.csv must hold probabilities from 0 to 1; got {invalid_value:g}: "
                f"{_RESTORE_FILE}",
            )
    invalid_truths = sorted({truth for truth in truths if not 0 <= truth < num_classes})
    if invalid_truths:
        raise HarnessError(
            "predictions-csv.truth-range",
            f"predictions.csv must hold true classes from 0 to {num_classes - 1}, the classes of "
            f"result.json; got {invalid_truths[0]}: {_RESTORE_FILE}",
        )
    text_columns = [columns[name] for name in ("id", "subject", "clip")]
    conditions = columns.get("condition", ("",) * len(rows))
    if ESCAPE in text:  # few tables contain it, so the check saves a call per cell
        text_columns, conditions = (
            [tuple(map(csv_unescape, values)) for values in text_columns],
            tuple(map(csv_unescape, conditions)),
        )
    for name, subject, clip, truth, probabilities, condition in zip(
        *text_columns, truths, zip(*probability_columns, strict=True), conditions, strict=True
    ):
        yield Prediction(
            id=name,
            subject=subject,
            clip=clip,
            truth=truth,
            probabilities=probabilities,
            condition=condition,
        )


def _format_predictions(result: RunResult) -> str:
    header = (*PREDICTION_COLUMNS, *(f"p{c}" for c in range(len(result.data.classes))))
    rows = (
        (
            *map(csv_escape, (prediction.id, prediction.subject, prediction.clip, prediction.condition)),
            prediction.truth,
            prediction.predicted_class,
            *prediction.probabilities,
        )
        for prediction in result.predictions
    )
    return _format_csv(header, rows)


def _format_csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Format a table as CSV; all texts are quoted, because a carriage return would otherwise end the row."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def build_epoch_metrics(epoch: Epoch) -> dict[str, float]:
    """Return the metrics of an epoch, by their MLflow names."""
    values = {
        "train/loss": epoch.train_loss,
        "train/accuracy": epoch.train_accuracy,
        "validation/loss": epoch.validation_loss,
        "validation/accuracy": epoch.validation_accuracy,
    }
    if epoch.gradient_ratio is not None:
        values["gradient/first_over_last"] = epoch.gradient_ratio
    return values
