"""Calibration of a network: reliability bins, calibration error and Brier score.

A network is calibrated if its confidence equals its accuracy. Confidence is the probability of the predicted
class. Expected calibration error: Guo et al. 2017 (arXiv 1706.04599).
Brier score: Brier 1950 (doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from studies.errors import StudyError
from studies.results import Prediction

NUM_BINS = 15
"""Number of equal-width confidence bins, as in Guo et al. 2017."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """The units whose confidence lies in one bin: their number, mean confidence and accuracy, in 0..1."""

    units: int
    confidence: float
    accuracy: float


def compute_reliability_bins(
    predictions: Sequence[Prediction], *, num_bins: int = NUM_BINS
) -> tuple[ReliabilityBin, ...]:
    """Return the non-empty bins, by rising confidence; bin m of M holds confidences in ((m - 1) / M, m / M].

    Raises:
        StudyError: `num_bins` is below 1.
    """
    if num_bins < 1:
        raise StudyError("bin-count.too-small", f"num_bins must be at least 1; got {num_bins}")
    edges = [m / num_bins for m in range(1, num_bins)]
    members: list[list[Prediction]] = [[] for _ in range(num_bins)]
    for prediction in predictions:
        members[bisect_left(edges, max(prediction.probabilities))].append(prediction)
    return tuple(
        ReliabilityBin(
            units=len(group),
            confidence=compute_mean_confidence(group),
            accuracy=fmean([unit.predicted_class == unit.truth for unit in group]),
        )
        for group in members
        if group
    )


def compute_mean_confidence(predictions: Sequence[Prediction]) -> float:
    """Return the mean probability of the predicted class, in 0..1.

    Raises:
        StudyError: there are no predictions.
    """
    _check_not_empty(predictions)
    return fmean([max(prediction.probabilities) for prediction in predictions])


def compute_calibration_error(predictions: Sequence[Prediction], *, num_bins: int = NUM_BINS) -> float:
    """Return the expected calibration error, in 0..1 (Guo et al. 2017).

    It is the mean, over the units, of |accuracy - mean confidence| of the unit's bin.

    Raises:
        StudyError: there are no predictions, or `num_bins` is below 1.
    """
    _check_not_empty(predictions)
    gaps = (
        reliability_bin.units * abs(reliability_bin.accuracy - reliability_bin.confidence)
        for reliability_bin in compute_reliability_bins(predictions, num_bins=num_bins)
    )
    return sum(gaps) / len(predictions)


def compute_brier_score(predictions: Sequence[Prediction]) -> float:
    """Return the mean over the units of the squared error summed over the classes, in 0..2 (Brier 1950).

    The error of a class is its probability minus 1 for the true class, minus 0 for the others.

    Raises:
        StudyError: there are no predictions.
    """
    _check_not_empty(predictions)
    return fmean(
        [
            sum(
                (probability - (c == prediction.truth)) ** 2
                for c, probability in enumerate(prediction.probabilities)
            )
            for prediction in predictions
        ]
    )


def _check_not_empty(predictions: Sequence[Prediction]) -> None:
    if not predictions:
        raise StudyError("calibration.no-predictions", "calibration needs at least one prediction; got none")
