"""How far accuracy falls from the frame split to a stricter one, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from scipy.stats import t as student

from reports.outcomes import Outcome
from reports.pairing import Paired, pair_up
from studies.statistics.comparison import ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """Mean accuracy over frames of several networks under two protocols, and the difference, as shares.

    `low` to `high` is the 95 % interval of the difference; None where a test names no subjects or has too
    few. It covers other subjects, and other trainings unless `conditional`.
    """

    before: float
    after: float
    low: float | None
    high: float | None
    conditional: bool

    @property
    def difference(self) -> float:
        """How much is lost, positive for a fall."""
        return self.before - self.after


def fall(loose: Sequence[Outcome], strict: Sequence[Outcome]) -> Fall | None:
    """The fall of the mean over networks, given in the same order; None before they share a training.

    The two tests have subjects in common, which would make the interval narrower: it takes them for separate.
    """
    pair = [pair_up(rows, "accuracy", by_frame=True) for rows in (loose, strict)]
    before, after = pair
    if before is None or after is None:
        return None
    values = [paired.value(_mean_of(paired)) for paired in (before, after)]
    found = [None if paired.obstacle else paired.estimate(_mean_of(paired)) for paired in (before, after)]
    low = high = None
    conditional = before.is_conditional or after.is_conditional
    first, second = found
    if first and second and first.low is not None and second.low is not None:
        error = sqrt(first.error**2 + second.error**2)
        below = first.error**4 / first.df + second.error**4 / second.df
        df = error**4 / below if below else 1.0
        half = float(student.isf(ALPHA / 2, df)) * error
        low, high = values[0] - values[1] - half, values[0] - values[1] + half
    return Fall(before=values[0], after=values[1], low=low, high=high, conditional=conditional)


def _mean_of(paired: Paired) -> dict[str, float]:
    return {row.arm.name: 1 / len(paired.rows) for row in paired.rows}
