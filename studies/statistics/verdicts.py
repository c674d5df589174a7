"""What may be said of a difference between two arms, in a few fixed words.

A verdict is about architectures, so it needs enough trainings and enough subjects to know how far other
trainings and other people would move the difference. Without them the numbers stand and the verdict is "no
verdict", with the reason. A difference that was not found is not shown to be absent: "equivalent" needs an
interval that stays within the margin (two one-sided tests, Schuirmann 1987, doi 10.1007/BF01068419, at the
family's level, which is stricter than his).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from studies.statistics.comparison import ALPHA, ContrastResults

MIN_TRAININGS = 5
"""Fewest trainings of each arm for a verdict where all subjects are tested by the same trainings."""

MIN_CLUSTERS = 6
"""Fewest subjects (or folds): five have 16 sign patterns, so no p below 0.06, whatever the difference."""

VerdictLabel = Literal["better", "worse", "equivalent", "inconclusive", "no verdict", "both collapsed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A difference, or another contrast of arms, as a share, with what is known of its uncertainty.

    `low` to `high` and `p` are at the level of the family; there is no interval with too few clusters, which
    are subjects or folds (`cluster_name`). Standard errors are over subjects, trainings and divisions, and
    of all together (`error`, with `df` degrees of freedom). `conditional`: fewer than `MIN_TRAININGS`
    trainings, so that interval and p hold for these trained networks only. `units` is the number of test
    units.
    """

    value: float
    low: float | None
    high: float | None
    p: float
    standard_error: float
    df: float
    subject_se: float
    training_se: float
    split_se: float
    cluster_count: int
    training_count: int
    unit_count: int
    is_conditional: bool = False
    cluster_name: Literal["subjects", "folds"] = "subjects"

    def is_equivalent(self, margin: float) -> bool:
        """Whether the interval stays within ±`margin` and there are units enough to show it.

        Where all units agree the interval has no width, however few they are; yet what none of n units has
        shown may still happen in 3/n of them (Hanley and Lippman-Hand 1983, doi
        10.1001/jama.1983.03330370053031).
        """
        if self.low is None or self.high is None or self.unit_count * margin < 3:
            return False
        return -margin <= self.low <= self.high <= margin


def build_estimate(
    results: ContrastResults,
    index: int,
    *,
    cluster_count: int,
    training_count: int,
    unit_count: int,
    is_conditional: bool = False,
    cluster_name: Literal["subjects", "folds"] = "subjects",
) -> Estimate:
    """One contrast of a single study's `Comparisons`; without interval below `MIN_CLUSTERS` clusters."""
    has_enough_clusters = cluster_count >= MIN_CLUSTERS
    return Estimate(
        value=float(results.estimates[index]),
        low=float(results.low[index]) if has_enough_clusters else None,
        high=float(results.high[index]) if has_enough_clusters else None,
        p=float(results.p[index]),
        standard_error=float(results.standard_error[index]),
        df=float(results.df[index]),
        subject_se=float(results.subject_se[index]),
        training_se=float(results.training_se[index]),
        split_se=float(results.split_se[index]),
        cluster_count=cluster_count,
        training_count=training_count,
        unit_count=unit_count,
        is_conditional=is_conditional,
        cluster_name=cluster_name,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the second arm is against the first; `reason` says why there is no verdict."""

    label: VerdictLabel
    reason: str = ""

    def describe(self, margin: float) -> str:
        """The verdict as reports show it; `margin` is a share."""
        if self.label == "equivalent":
            return f"equivalent within ±{100 * margin:g} points"
        return f"{self.label}: {self.reason}" if self.reason else self.label


def decide_verdict(
    estimate: Estimate | None, *, margin: float, has_collapsed: bool = False, obstacle: str = ""
) -> Verdict:
    """Return the verdict on a difference whose interval and p are those of its family.

    `collapsed`: both arms gave one answer to all units in every training. `obstacle` is a reason of the
    study's for which no verdict is possible; `estimate` is None where the arms cannot be compared at all.
    """
    if has_collapsed:
        return Verdict(label="both collapsed")
    if obstacle or estimate is None:
        return Verdict(label="no verdict", reason=obstacle)
    if estimate.cluster_count < MIN_CLUSTERS:
        return Verdict(
            label="no verdict",
            reason=f"too few {estimate.cluster_name} ({estimate.cluster_count}, at least {MIN_CLUSTERS})",
        )
    if estimate.is_conditional:
        trainings_text = (
            "1 training" if estimate.training_count == 1 else f"{estimate.training_count} trainings"
        )
        return Verdict(label="no verdict", reason=f"{trainings_text} (at least {MIN_TRAININGS})")
    if estimate.p < ALPHA:
        return Verdict(label="better" if estimate.value > 0 else "worse")
    return Verdict(label="equivalent" if estimate.is_equivalent(margin) else "inconclusive")
