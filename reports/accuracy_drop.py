"""Accuracy drop from the frame split to a stricter split, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from scipy.stats import t as student

from reports.outcomes import Outcome
from reports.pairing import PairedOutcomes, pair_outcomes
from studies.statistics.comparison import ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyDrop:
    """Mean accuracy over frames of several networks under two protocols, as shares.

    `low` to `high` is the 95 % interval of the difference; None if a test set has unknown or too few
    subjects. It covers other subjects, and other trainings unless `is_conditional`.
    """

    loose_accuracy: float
    strict_accuracy: float
    low: float | None
    high: float | None
    is_conditional: bool

    @property
    def difference(self) -> float:
        """Accuracy lost under the stricter protocol; positive for a drop."""
        return self.loose_accuracy - self.strict_accuracy


def compute_accuracy_drop(
    loose_outcomes: Sequence[Outcome], strict_outcomes: Sequence[Outcome]
) -> AccuracyDrop | None:
    """Return the drop of the mean accuracy over networks; None if they have no finished training in common.

    Both sequences hold the same networks in the same order. The interval treats the two test sets as
    independent; they have subjects in common, so the true interval is narrower.
    """
    pairings = [
        pair_outcomes(outcomes, "accuracy", by_frame=True) for outcomes in (loose_outcomes, strict_outcomes)
    ]
    before, after = pairings
    if before is None or after is None:
        return None
    values = [pairing.compute_value(_build_mean_weights(pairing)) for pairing in (before, after)]
    estimates = [
        None if pairing.obstacle else pairing.estimate_contrast(_build_mean_weights(pairing))
        for pairing in (before, after)
    ]
    low = high = None
    is_conditional = before.is_conditional or after.is_conditional
    first, second = estimates
    if first and second and first.low is not None and second.low is not None:
        standard_error = sqrt(first.standard_error**2 + second.standard_error**2)
        denominator = first.standard_error**4 / first.df + second.standard_error**4 / second.df
        df = standard_error**4 / denominator if denominator else 1.0
        half_width = float(student.isf(ALPHA / 2, df)) * standard_error
        low, high = values[0] - values[1] - half_width, values[0] - values[1] + half_width
    return AccuracyDrop(
        loose_accuracy=values[0], strict_accuracy=values[1], low=low, high=high, is_conditional=is_conditional
    )


def _build_mean_weights(pairing: PairedOutcomes) -> dict[str, float]:
    return {outcome.arm.name: 1 / len(pairing.outcomes) for outcome in pairing.outcomes}
