"""Standard errors of a study's differences by source, and the smallest difference that it could detect."""

from __future__ import annotations

from collections.abc import Iterator

from reports.arm_differences import ArmDifference, compute_differences
from reports.formatting import NO_VALUE, text_cell
from reports.outcomes import StudyEvaluation
from reports.table import Cell, Table
from studies.metrics import METRIC_NAMES
from studies.statistics.power import TARGET_POWER, compute_observed_detectable_difference
from studies.statistics.verdicts import Estimate


def build_uncertainty_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table with a row per comparison that has an interval; None without such a comparison."""
    rows = [row for protocol in evaluation.study.protocols for row in _build_rows(evaluation, protocol)]
    if not rows:
        return None
    metric_name = METRIC_NAMES[evaluation.study.metric]
    return Table(
        id=f"uncertainty-{evaluation.study.name}",
        title=f"Standard errors of the differences in {metric_name}, in points, by source",
        header=(
            "From",
            "To",
            "Protocol",
            "Subjects or folds",
            "Trainings",
            "Splits",
            "Total",
            "Smallest detectable difference",
        ),
        rows=tuple(rows),
        notes=(
            "The square of the total is at most the sum of the other squares, because subjects and trainings "
            "share the variance of single predictions. A dash: not varied, varied too little, or part of "
            "another column (folds and splits contain their trainings).",
            "Smallest detectable difference: a study with these errors detects it with a power of "
            f"{100 * TARGET_POWER:.0f} %, at the level of the family.",
        ),
    )


def _build_rows(evaluation: StudyEvaluation, protocol: str) -> Iterator[tuple[Cell, ...]]:
    differences = compute_differences(evaluation, protocol)
    family_size = sum(difference.estimate is not None for difference in differences)
    for difference in differences:
        if difference.estimate and difference.estimate.low is not None:
            yield _build_row(difference, difference.estimate, family_size=family_size)


def _build_row(difference: ArmDifference, estimate: Estimate, *, family_size: int) -> tuple[Cell, ...]:
    run_keys = (*difference.before.run_keys, *difference.after.run_keys)

    def build_cell(standard_error: float) -> Cell:
        return (
            Cell(text=f"{100 * standard_error:.2f}", value=100 * standard_error, run_keys=run_keys)
            if standard_error
            else text_cell(NO_VALUE)
        )

    return (
        text_cell(difference.before.marked_name),
        text_cell(difference.after.marked_name),
        text_cell(difference.after.protocol),
        build_cell(estimate.subject_se),
        build_cell(estimate.training_se),
        build_cell(estimate.split_se),
        build_cell(estimate.standard_error),
        text_cell(NO_VALUE)
        if estimate.is_conditional
        else build_cell(compute_observed_detectable_difference(estimate, family_size=family_size)),
    )
