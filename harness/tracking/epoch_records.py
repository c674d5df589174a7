"""Records of the epochs of runs as artifacts: the predicted class of each test unit after each epoch.

A record is leaky, as its file name says. It serves `--published-practice` alone, and no clean number is
computed from it (`studies.published_practice`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.csv_escape import csv_escape, csv_unescape
from harness.errors import HarnessError
from harness.tracking.mlflow_store import get_mlflow_exception
from harness.tracking.result_files import parse_result
from harness.tracking.tags import EPOCH_RECORD_TAG
from studies.metrics import to_evaluation_unit
from studies.results import RunResult

if TYPE_CHECKING:
    from harness.tracking.mlflow_store import Run

RECORD_FILE = "leaky_epochs.csv"
"""Name of the artifact: a row per test unit with its id, its subject, its true class, and its predicted class
after each epoch."""

_UNIT_COLUMNS = ("id", "subject", "truth")


def format_epoch_record(result: RunResult) -> str:
    """Return the record of a result as CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow((*_UNIT_COLUMNS, *(f"epoch {n}" for n in range(1, len(result.epoch_classes) + 1))))
    units = to_evaluation_unit(result.predictions, result.spec.protocol)
    for unit, classes in zip(units, zip(*result.epoch_classes, strict=True), strict=True):
        writer.writerow((csv_escape(unit.id), csv_escape(unit.subject), unit.truth, *classes))
    return buffer.getvalue()


def parse_epoch_record(text: str, result: RunResult) -> RunResult:
    """Return `result` with its record, from the text that `format_epoch_record` wrote.

    Raises:
        HarnessError: the record is cut off, was changed, or is of other test units.
    """
    unit_ids = [unit.id for unit in to_evaluation_unit(result.predictions, result.spec.protocol)]
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        epoch_columns = list(zip(header, *rows, strict=True))[len(_UNIT_COLUMNS) :]
        epoch_classes = tuple(tuple(map(int, column)) for _, *column in epoch_columns)
    except (csv.Error, ValueError) as error:
        raise HarnessError(
            "epoch-record.no-table", f"{RECORD_FILE} must be as it was written; it was cut off: {error}"
        ) from error
    class_indices = range(len(result.data.classes))
    has_valid_classes = all(label in class_indices for classes in epoch_classes for label in classes)
    if not epoch_classes or not has_valid_classes or [csv_unescape(row[0]) for row in rows] != unit_ids:
        raise HarnessError(
            "epoch-record.other-units",
            f"{RECORD_FILE} must hold the class after each epoch for each of the run's {len(unit_ids)} test "
            "units; it was changed, or is of another run",
        )
    return replace(result, epoch_classes=epoch_classes)


def read_result(run: Run, read_text: Callable[[str], str]) -> RunResult:
    """Return the result of a finished run; without its record if that is missing or damaged.

    `read_text` returns the text of an artifact of the run by its name. Raises what `parse_result` raises.
    """
    result = parse_result(read_text)
    if has_epoch_record(run):
        with suppress(get_mlflow_exception(), OSError, ValueError):
            return parse_epoch_record(read_text(RECORD_FILE), result)
    return result


def has_epoch_record(run: Run) -> bool:
    """Return True if the run has a record of its epochs."""
    return EPOCH_RECORD_TAG in run.data.tags
