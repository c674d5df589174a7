"""How well the networks' confidence matches their accuracy."""

from __future__ import annotations

from reports.beside import title_of
from reports.columns import SEEN, WHO, accuracy, seen, short_notes, who
from reports.numbers import spread
from reports.outcomes import Outcome, Outcomes
from reports.table import Cell, Table
from studies.calibration import BINS, brier_score, expected_calibration_error, mean_confidence


def calibration_table(study: Outcomes) -> Table | None:
    """One row a network and protocol: calibration error and Brier score; None if nothing has finished."""
    if not any(row.seeds for row in study.rows):
        return None
    return Table(
        id=f"calibration-{study.study.name}",
        title=f"Calibration on {title_of(study.study.dataset.name)}",
        header=(*WHO, "Accuracy, %", "Confidence, %", "ECE, %", "Brier score", *SEEN),
        rows=tuple(map(_row, study.rows)),
        notes=(
            "Confidence: mean probability of the predicted class.",
            f"ECE: expected calibration error with {BINS} equal-width bins of the confidence "
            "(Guo et al. 2017, arXiv 1706.04599). 0 is best.",
            "Few units in a bin bias the ECE upward.",
            "Brier score: mean of the squared differences between probability and truth, summed over the "
            "classes (Brier 1950). 0 is best and 2 is worst.",
            *short_notes(study.rows),
        ),
    )


def _row(row: Outcome) -> tuple[Cell, ...]:
    seeds = [seed.units for seed in row.seeds if seed.units]
    confidence, error = (
        spread([100 * number(units) for units in seeds], row.keys, show="{:.2f}".format)
        for number in (mean_confidence, expected_calibration_error)
    )
    brier = spread([brier_score(units) for units in seeds], row.keys, show="{:.3f}".format)
    return (*who(row), accuracy(row), confidence, error, brier, *seen(row))
