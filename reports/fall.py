"""How far accuracy falls from the frame split to a stricter one, with its interval."""

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
    """Mean accuracy over frames of several networks under two protocols, and the difference, as shares.

    `low` to `high` is the 95 % interval of the difference; None where a test names no subjects or has too
    few. It covers other subjects, and other trainings unless `conditional`.
    """

    loose_accuracy: float
    strict_accuracy: float
    low: float | None
    high: float | None
    is_conditional: bool

    @property
    def difference(self) -> float:
        """How much is lost, positive for a fall."""
        return self.loose_accuracy - self.strict_accuracy


def compute_accuracy_drop(
    loose_outcomes: Sequence[Outcome], strict_outcomes: Sequence[Outcome]
) -> AccuracyDrop | None:
    """The fall of the mean over networks, given in the same order; None before they share a training.

    The two tests have subjects in common, which would make the interval narrower: it takes them for separate.
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
