"""Intervals over subjects of the scores of one table, and of the paired difference of two.

The predictions of each table are one training of each fold. The intervals hold for other subjects and for
these predictions; they say nothing about other trainings (`studies.statistics.comparison`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from studies.prediction_files.table import ClipPrediction
from studies.scoring.metric_values import group_by_subject
from studies.statistics.comparison import (
    ContrastResults,
    TrainingScores,
    compare_contrasts,
    estimate_contrasts,
)
from studies.statistics.linearization import linearize
from studies.statistics.verdicts import Estimate, build_estimate

LINEAR_NAMES: dict[str, Literal["uf1", "uar", "accuracy", "precision"]] = {
    "UF1": "uf1",
    "UAR": "uar",
    "accuracy": "accuracy",
    "macro precision": "precision",
}
"""Names of the metrics of `linearize` by the names of this package."""


def estimate_interval(
    predictions: Sequence[ClipPrediction], metric: str, *, num_classes: int
) -> Estimate | None:
    """Estimate one metric of `LINEAR_NAMES` with its interval; None with unknown or fewer than 2 subjects."""
    scores = _build_scores([predictions], metric, num_classes=num_classes)
    if scores is None:
        return None
    return _build_estimate(predictions, scores, estimate_contrasts(scores, np.ones((1, 1))))


def estimate_difference(
    first: Sequence[ClipPrediction], second: Sequence[ClipPrediction], metric: str, *, num_classes: int
) -> Estimate | None:
    """Estimate the metric of `second` minus that of `first`; both hold the same clips in the same order.

    Return None with unknown or fewer than 2 subjects.
    """
    scores = _build_scores([first, second], metric, num_classes=num_classes)
    if scores is None:
        return None
    return _build_estimate(first, scores, compare_contrasts(scores, np.array([[-1.0, 1.0]])))


def _build_scores(
    tables: Sequence[Sequence[ClipPrediction]], metric: str, *, num_classes: int
) -> TrainingScores | None:
    groups = group_by_subject(tables[0])
    if len(groups) < 2:
        return None
    subject_indices = {subject: index for index, subject in enumerate(groups)}
    unit_subjects = np.array([subject_indices[p.key[:2]] for p in tables[0]])
    values, contributions = linearize(
        LINEAR_NAMES[metric],
        np.array([p.truth for p in tables[0]]),
        np.array([[p.predicted_class for p in predictions] for predictions in tables]),
        num_classes=num_classes,
    )
    subject_contributions = np.array([np.bincount(unit_subjects, weights=row) for row in contributions])
    return TrainingScores(
        values=values[:, None, None],
        contributions=subject_contributions[:, None, None, :],
        cluster_sizes=np.bincount(unit_subjects).astype(np.float64),
    )


def _build_estimate(
    predictions: Sequence[ClipPrediction], scores: TrainingScores, results: ContrastResults
) -> Estimate:
    return build_estimate(
        results,
        0,
        cluster_count=len(scores.cluster_sizes),
        training_count=1,
        unit_count=len(predictions),
        is_conditional=True,
    )
