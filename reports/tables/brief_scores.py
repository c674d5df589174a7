"""One narrow table per protocol, for a terminal: score, difference and verdict of each arm.

A difference is that of the row's arm minus the arm that it is compared with, so that a reader needs no column
for the pair. The full report states some differences the other way round (`studies.arms.build_pairs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean

from reports.arm_differences import ArmDifference
from reports.formatting import NO_VALUE, text_cell
from reports.intervals import estimate_bounds
from reports.outcomes import Outcome, StudyEvaluation, append_marks
from reports.plots.study_figures import format_protocol
from reports.table import Cell, Table
from reports.tables.overview import map_differences
from studies.metrics import METRIC_NAMES
from studies.spec import Metric
from studies.statistics.verdicts import MIN_TRAININGS, VerdictLabel

REFERENCE = "reference"

OPPOSITES: Mapping[VerdictLabel, VerdictLabel] = {"better": "worse", "worse": "better"}
"""The verdict on the first arm of a pair, by that on the second; every other verdict holds for both."""


def build_brief_tables(evaluation: StudyEvaluation) -> tuple[Table, ...]:
    """Return a table for each protocol under which a training has finished."""
    return tuple(
        _build_table(evaluation, protocol)
        for protocol in evaluation.study.protocols
        if any(outcome.trainings for outcome in evaluation.select_protocol(protocol))
    )


def _build_table(evaluation: StudyEvaluation, protocol: str) -> Table:
    study, outcomes = evaluation.study, evaluation.select_protocol(protocol)
    metric = METRIC_NAMES[study.metric]
    differences = map_differences(evaluation, protocol)
    references = {name: _get_other(difference, name) for name, difference in differences.items()}
    rows = []
    for outcome in outcomes:
        name = outcome.arm.name
        difference = differences.get(name)
        score = _build_score_cell(outcome, study.metric)
        empty_cells = (text_cell(REFERENCE if name in references.values() else NO_VALUE), text_cell(""))
        difference_cells = _build_difference_cells(difference, name) if difference else empty_cells
        network_cell = text_cell(append_marks(name, outcome.collapse_mark))
        rows.append((network_cell, score, *(difference_cells if differences else ())))
    return Table(
        id=f"brief-{protocol}-{study.name}",
        title=f"Under {format_protocol(outcomes)}",
        header=(
            "Network",
            f"{metric[:1].upper()}{metric[1:]}, % [95 %]",
            *(("Difference [95 %]", "Verdict") if differences else ()),
        ),
        rows=tuple(rows),
        notes=tuple(_build_notes(evaluation, differences, references)),
    )


def _get_other(difference: ArmDifference, name: str) -> str:
    """Return the name of the arm with which the arm called `name` is compared."""
    return difference.before.arm.name if difference.after.arm.name == name else difference.after.arm.name


def _build_score_cell(outcome: Outcome, metric: Metric) -> Cell:
    """Return the mean of the metric over trainings with its interval, or the status of the runs."""
    if not outcome.trainings:
        return text_cell(outcome.missing_status)
    mean = fmean(getattr(training.scores, metric) for training in outcome.trainings)
    bounds = estimate_bounds(outcome, metric)
    interval = f" [{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}]" if bounds else ""
    return Cell(text=f"{100 * mean:.1f}{interval}", value=100 * mean, run_keys=outcome.run_keys)


def _build_difference_cells(difference: ArmDifference, name: str) -> tuple[Cell, Cell]:
    """Return the difference of the arm called `name` from the other arm, and the verdict on it."""
    estimate, label = difference.estimate, difference.verdict.label
    is_after = difference.after.arm.name == name
    value = 100 * (difference.value if is_after else -difference.value)
    interval = ""
    if estimate and estimate.low is not None and estimate.high is not None:
        low, high = (estimate.low, estimate.high) if is_after else (-estimate.high, -estimate.low)
        interval = f" [{_format_points(100 * low)} to {_format_points(100 * high)}]"
    return (
        Cell(text=f"{_format_points(value)}{interval}", value=value, run_keys=difference.run_keys),
        text_cell(label if is_after else OPPOSITES.get(label, label), difference.run_keys),
    )


def _format_points(difference: float) -> str:
    """Format a difference in percentage points with its sign and one decimal; "0.0" if it rounds to zero."""
    text = f"{difference:+.1f}"
    return "0.0" if float(text) == 0 else text


def _build_notes(
    evaluation: StudyEvaluation, differences: Mapping[str, ArmDifference], references: Mapping[str, str]
) -> Iterator[str]:
    if not differences:
        return
    unit = f"in points of {METRIC_NAMES[evaluation.study.metric]}"
    if len(set(references.values())) == 1:
        yield f"Difference from {next(iter(references.values()))}, {unit}."
    else:
        names = [arm.name for arm in evaluation.study.arms]
        rows_above = dict(zip(names[1:], names, strict=False))
        others = [
            f"; {name} from {reference}"
            for name, reference in references.items()
            if reference != rows_above.get(name)
        ]
        yield f"Difference from the row above{''.join(others)}, {unit}."
    estimates = [difference.estimate for difference in differences.values() if difference.estimate]
    if any(estimate.is_conditional and estimate.low is not None for estimate in estimates):
        yield f"With fewer than {MIN_TRAININGS} trainings, intervals hold for these trained networks only."
