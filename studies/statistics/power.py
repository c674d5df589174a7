"""How large a difference a study can find: before it from assumed or measured noise, after it from its own.

The difference of two arms varies with the test subjects, whom an arm suits unequally; with the units, whose
answers change from training to training; and with the training, which moves all answers of a network. The t
test of `studies.statistics.comparison` is inverted in closed form (Cohen 1988, ch. 2): a difference is found
with power 1 - beta where it is t(1 - alpha/2) + t(1 - beta) standard errors.
`tests/studies/statistics/test_power.py` holds it against simulated studies.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import nct
from scipy.stats import t as student

from studies.statistics.comparison import ALPHA
from studies.statistics.verdicts import MIN_CLUSTERS, Estimate

TARGET_POWER = 0.8
"""A difference can be found where at least this share of studies would find it (Cohen's convention)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What moves the difference of two arms, as shares.

    `training` is the standard deviation of one arm's accuracy over trainings, `heterogeneity` that of the
    difference over subjects, and `discordance` the share of test units that two trainings answer differently,
    one right and one wrong. `source` says where the numbers come from.
    """

    training_sd: float
    subject_sd: float
    discordance: float
    source: str


SYNTHETIC_FACES_NOISE = Noise(
    training_sd=0.08,
    subject_sd=0.0,
    discordance=0.41,
    source="as between trainings of one network on drawn faces",
)
"""Measured on the bank in `tests/simulation`; an arm that suits some subjects better adds heterogeneity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """A comparison as planned: units of each cluster, trainings of each arm, and pairs in the family.

    `arms` is the number of arms whose trainings show how much trainings vary. `by_fold`: each cluster is
    tested by trainings of its own.
    """

    cluster_sizes: tuple[int, ...]
    trainings_per_arm: int
    family_size: int
    arm_count: int = 2
    by_fold: bool = False


def compute_standard_error(plan: ComparisonPlan, noise: Noise) -> tuple[float, float]:
    """Standard error of a difference under `plan`, a share, and its degrees of freedom."""
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


def compute_power(plan: ComparisonPlan, noise: Noise, difference: float) -> float:
    """Share of studies in which a true difference of one pair is found at the family's level."""
    if len(plan.cluster_sizes) < MIN_CLUSTERS:
        return 0.0
    standard_error, df = compute_standard_error(plan, noise)
    if standard_error == 0:
        return float(difference > 0)
    return float(nct.sf(student.isf(ALPHA / (2 * plan.family_size), df), df, difference / standard_error))


def compute_planned_detectable_difference(plan: ComparisonPlan, noise: Noise) -> float | None:
    """The least difference, a share, found with at least `POWER`; None with too few clusters or above 1."""
    if len(plan.cluster_sizes) < MIN_CLUSTERS:
        return None
    standard_error, df = compute_standard_error(plan, noise)
    detectable = _compute_detectable_difference(standard_error, df, family_size=plan.family_size)
    return detectable if detectable <= 1 else None


def compute_observed_detectable_difference(estimate: Estimate, *, family_size: int) -> float:
    """The least difference, a share, that such a study finds with `POWER`, from its own variances."""
    return _compute_detectable_difference(estimate.standard_error, estimate.df, family_size=family_size)


def _compute_detectable_difference(standard_error: float, df: float, *, family_size: int) -> float:
    return float(
        (student.isf(ALPHA / (2 * family_size), df) + student.isf(1 - TARGET_POWER, df)) * standard_error
    )
