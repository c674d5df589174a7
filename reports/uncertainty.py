"""Where the uncertainty of a study's differences comes from, and how small a difference it could have
found.
"""

from __future__ import annotations

from collections.abc import Iterator

from reports.differences import Difference, differences
from reports.numbers import NOTHING, label
from reports.outcomes import Outcomes
from reports.table import Cell, Table
from studies.metrics import METRIC_NAMES
from studies.statistics.power import POWER, detectable_after
from studies.statistics.verdicts import Estimate


def uncertainty_table(study: Outcomes) -> Table | None:
    """One row a comparison that has an interval; None where there is none."""
    rows = [row for protocol in study.study.protocols for row in _rows(study, protocol)]
    if not rows:
        return None
    return Table(
        id=f"uncertainty-{study.study.name}",
        title=(
            f"Standard errors of the differences of {METRIC_NAMES[study.study.metric]}, in points, by source"
        ),
        header=(
            "From",
            "To",
            "Protocol",
            "Subjects or folds",
            "Trainings",
            "Divisions",
            "Together",
            "Smallest detectable difference",
        ),
        rows=tuple(rows),
        notes=(
            "The square of Together is at most the sum of the other squares: subjects and trainings share "
            "the variance of single answers. A dash: not varied, varied too little, or part of another "
            "column (folds and divisions contain their trainings).",
            f"Smallest detectable difference: what a study with these errors finds in {100 * POWER:.0f} % of "
            "cases, at the level of the family.",
        ),
    )


def _rows(study: Outcomes, protocol: str) -> Iterator[tuple[Cell, ...]]:
    found = differences(study, protocol)
    family = sum(each.estimate is not None for each in found)
    for each in found:
        if each.estimate and each.estimate.low is not None:
            yield _row(each, each.estimate, family=family)


def _row(found: Difference, estimate: Estimate, *, family: int) -> tuple[Cell, ...]:
    keys = (*found.before.keys, *found.after.keys)

    def cell(error: float) -> Cell:
        return Cell(text=f"{100 * error:.2f}", value=100 * error, run_keys=keys) if error else label(NOTHING)

    return (
        label(found.before.name),
        label(found.after.name),
        label(found.after.protocol),
        cell(estimate.subject_error),
        cell(estimate.training_error),
        cell(estimate.division_error),
        cell(estimate.error),
        label(NOTHING) if estimate.conditional else cell(detectable_after(estimate, family=family)),
    )
