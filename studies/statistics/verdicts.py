"""Verdicts on the difference between two arms, as a few fixed labels.

A verdict is about architectures. It therefore needs enough trainings and enough subjects to estimate how the
difference varies over other trainings and other people. With too few, the report still shows the numbers, and
the label is "no verdict" with the reason. A non-significant difference is not evidence of equivalence:
"equivalent" requires an interval within the margin (two one-sided tests, Schuirmann 1987, doi
10.1007/BF01068419; the family-wise level used here is stricter than his).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from datasets.text import pluralize
from studies.statistics.comparison import ALPHA, ContrastResults

MIN_TRAININGS = 5
"""Minimum trainings per arm for a verdict when the same trainings are tested on all subjects."""

MIN_CLUSTERS = 6
"""Minimum subjects or folds for a verdict: five have only 16 sign patterns, so p is never below 0.06."""

VerdictLabel = Literal["better", "worse", "equivalent", "inconclusive", "no verdict", "both collapsed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A difference or another contrast of arms, as a fraction of 1, with its uncertainty.

    Attributes:
        value: Estimate of the contrast.
        low: Lower end of the interval at the family-wise level; None with fewer than `MIN_CLUSTERS` clusters.
        high: Upper end of the interval; None like `low`.
        p: p-value, adjusted for the family.
        standard_error: Standard error over subjects, trainings and splits together.
        df: Degrees of freedom of `standard_error`.
        subject_se: Standard error over clusters.
        training_se: Standard error over the trainings of one split.
        split_se: Standard error over splits.
        cluster_count: Number of clusters, which are subjects or folds.
        training_count: Number of trainings of each arm.
        unit_count: Number of test units.
        is_conditional: True with fewer than `MIN_TRAININGS` trainings: interval and p then hold for these
            trained networks only.
        cluster_name: Name of the clusters, "subjects" or "folds".
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
        """Return True if the interval lies within ±`margin` and the test set is large enough.

        If the two arms agree on all n units, the interval has zero width even for small n. An event not
        observed in n units may still occur in up to 3/n of them (Hanley and Lippman-Hand 1983, doi
        10.1001/jama.1983.03330370053031), so 3/n must not exceed `margin`.
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
    """Build the `Estimate` of contrast `index` of a single study's `results`.

    The estimate has no interval if there are fewer than `MIN_CLUSTERS` clusters.
    """
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
    """Verdict on the second arm against the first. `reason` explains the label "no verdict"."""

    label: VerdictLabel
    reason: str = ""

    def describe(self, margin: float) -> str:
        """Return the verdict as text for reports. `margin` is a fraction of 1."""
        if self.label == "equivalent":
            return f"equivalent within ±{100 * margin:g} points"
        return f"{self.label}: {self.reason}" if self.reason else self.label


def decide_verdict(
    estimate: Estimate | None, *, margin: float, has_collapsed: bool = False, obstacle: str = ""
) -> Verdict:
    """Return the verdict on a difference.

    Args:
        estimate: The difference, with interval and p at the family-wise level. None if the arms cannot be
            compared.
        margin: Equivalence margin, a fraction of 1.
        has_collapsed: True if both arms predict a single class for all units in every training.
        obstacle: A reason of the study's why no verdict is possible, or "".
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
        trainings_text = pluralize(estimate.training_count, "training")
        return Verdict(label="no verdict", reason=f"{trainings_text} (at least {MIN_TRAININGS})")
    if estimate.p < ALPHA:
        return Verdict(label="better" if estimate.value > 0 else "worse")
    return Verdict(label="equivalent" if estimate.is_equivalent(margin) else "inconclusive")
