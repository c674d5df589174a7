"""How well the networks' confidence matches their accuracy."""

from __future__ import annotations

from reports.formatting import mean_std_cell
from reports.outcomes import Outcome, StudyEvaluation
from reports.paper_reference import dataset_title
from reports.table import Cell, Table
from reports.tables.score_columns import (
    IDENTITY_HEADER,
    LEAKAGE_HEADER,
    accuracy_cell,
    build_short_notes,
    identity_cells,
    leakage_cells,
)
from studies.calibration import (
    NUM_BINS,
    compute_brier_score,
    compute_calibration_error,
    compute_mean_confidence,
)


def build_calibration_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table with a row per network and protocol; None if no training has finished."""
    if not any(outcome.trainings for outcome in evaluation.outcomes):
        return None
    return Table(
        id=f"calibration-{evaluation.study.name}",
        title=f"Calibration on {dataset_title(evaluation.study.dataset.name)}",
        header=(*IDENTITY_HEADER, "Accuracy, %", "Confidence, %", "ECE, %", "Brier score", *LEAKAGE_HEADER),
        rows=tuple(map(_build_row, evaluation.outcomes)),
        notes=(
            "Confidence: mean probability of the predicted class.",
            f"ECE: expected calibration error with {NUM_BINS} equal-width bins of the confidence "
            "(Guo et al. 2017, arXiv 1706.04599). 0 is best.",
            "Bins with few units bias the ECE upward.",
            "Brier score: squared differences between probability and truth, summed over the classes, mean "
            "over the units (Brier 1950). 0 is best and 2 is worst.",
            *build_short_notes(evaluation.outcomes),
        ),
    )


def _build_row(outcome: Outcome) -> tuple[Cell, ...]:
    unit_sets = [training.units for training in outcome.trainings if training.units]
    confidence, calibration_error = (
        mean_std_cell(
            [100 * metric(units) for units in unit_sets], outcome.run_keys, format_value="{:.2f}".format
        )
        for metric in (compute_mean_confidence, compute_calibration_error)
    )
    brier = mean_std_cell(
        [compute_brier_score(units) for units in unit_sets], outcome.run_keys, format_value="{:.3f}".format
    )
    return (
        *identity_cells(outcome),
        accuracy_cell(outcome),
        confidence,
        calibration_error,
        brier,
        *leakage_cells(outcome),
    )
