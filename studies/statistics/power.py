"""Power analysis: the smallest difference that a study can detect.

A planned study uses assumed or measured noise, a finished study its own variances. The difference of two arms
varies with the test subjects, because an arm does not suit all subjects equally; with the test units, whose
predictions change from training to training; and with the training, which shifts all predictions of a
network. This module inverts the t test of `studies.statistics.comparison` in closed form (Cohen 1988, ch. 2):
a difference of t(1 - alpha/2) + t(1 - beta) standard errors is detected with power 1 - beta.
`tests/studies/statistics/test_power.py` checks the formulas against simulated studies.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import stdtrit

from studies.statistics.comparison import ALPHA
from studies.statistics.verdicts import MIN_CLUSTERS, Estimate

TARGET_POWER = 0.8
"""Power at which a difference counts as detectable (Cohen's convention)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Sources of variation in the difference of two arms, as fractions of 1.

    Attributes:
        training_sd: Standard deviation of one arm's accuracy over trainings.
        subject_sd: Standard deviation of the difference over subjects.
        discordance: Fraction of test units that one of two trainings classifies correctly and the other not.
        source: Where the numbers come from, for reports.
    """

    training_sd: float
    subject_sd: float
    discordance: float
    source: str


SYNTHETIC_FACES_NOISE = Noise(
    training_sd=0.08,
    subject_sd=0.0,
    discordance=0.41,
    source="as between trainings of one network on synthetic faces",
)
"""Noise measured on `tests/simulation/bank.npz`. An arm that suits some subjects better adds `subject_sd`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """A planned comparison of two arms.

    Attributes:
        cluster_sizes: Number of test units in each cluster.
        trainings_per_arm: Number of trainings of each arm.
        family_size: Number of pairs in the family of comparisons.
        arm_count: Number of arms that contribute to the estimate of the training variance.
        by_fold: True if separate trainings are tested on each cluster.
    """

    cluster_sizes: tuple[int, ...]
    trainings_per_arm: int
    family_size: int
    arm_count: int = 2
    by_fold: bool = False


def compute_standard_error(plan: ComparisonPlan, noise: Noise) -> tuple[float, float]:
    """Return the standard error of a difference under `plan`, a fraction of 1, and its degrees of freedom."""
    cluster_sizes = np.array(plan.cluster_sizes, dtype=np.float64)
    concentration = float(((cluster_sizes / cluster_sizes.sum()) ** 2).sum())
    cluster_df = 1 / concentration - 1
    unit_variance = noise.discordance / cluster_sizes.sum() / plan.trainings_per_arm
    subject_variance = noise.subject_sd**2 * concentration + unit_variance
    training_variance = 2 * noise.training_sd**2 / plan.trainings_per_arm
    if plan.by_fold:
        return sqrt(subject_variance + training_variance * concentration), cluster_df
    if plan.trainings_per_arm == 1:
        return sqrt(subject_variance + training_variance), cluster_df
    total_variance = subject_variance + training_variance
    denominator = subject_variance**2 / cluster_df + (training_variance + unit_variance) ** 2 / (
        plan.arm_count * (plan.trainings_per_arm - 1)
    )
    return sqrt(total_variance), max(1.0, total_variance**2 / denominator) if denominator else cluster_df


def compute_planned_detectable_difference(plan: ComparisonPlan, noise: Noise) -> float | None:
    """Return the smallest difference, a fraction of 1, detected with a power of `TARGET_POWER`.

    Returns None if there are fewer than `MIN_CLUSTERS` clusters, or if the difference would exceed 1.
    """
    if len(plan.cluster_sizes) < MIN_CLUSTERS:
        return None
    standard_error, df = compute_standard_error(plan, noise)
    detectable = _compute_detectable_difference(standard_error, df, family_size=plan.family_size)
    return detectable if detectable <= 1 else None


def compute_observed_detectable_difference(estimate: Estimate, *, family_size: int) -> float:
    """Return the smallest difference that a study with the variances of `estimate` detects.

    The difference is a fraction of 1; the power is `TARGET_POWER`.
    """
    return _compute_detectable_difference(estimate.standard_error, estimate.df, family_size=family_size)


def _compute_detectable_difference(standard_error: float, df: float, *, family_size: int) -> float:
    return float(-(stdtrit(df, ALPHA / (2 * family_size)) + stdtrit(df, 1 - TARGET_POWER)) * standard_error)
