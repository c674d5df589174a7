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

POWER = 0.8
"""A difference can be found where at least this share of studies would find it (Cohen's convention)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What moves the difference of two arms, as shares.

    `training` is the standard deviation of one arm's accuracy over trainings, `heterogeneity` that of the
    difference over subjects, and `discordance` the share of test units that two trainings answer differently,
    one right and one wrong. `source` says where the numbers come from.
    """

    training: float
    heterogeneity: float
    discordance: float
    source: str


DRAWN_FACES = Noise(
    training=0.08,
    heterogeneity=0.0,
    discordance=0.41,
    source="as between trainings of one network on drawn faces",
)
"""Measured on the bank in `tests/simulation`; an arm that suits some subjects better adds heterogeneity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A comparison as planned: units of each cluster, trainings of each arm, and pairs in the family.

    `arms` is the number of arms whose trainings show how much trainings vary. `by_fold`: each cluster is
    tested by trainings of its own.
    """

    sizes: tuple[int, ...]
    trainings: int
    family: int
    arms: int = 2
    by_fold: bool = False


def standard_error(plan: Plan, noise: Noise) -> tuple[float, float]:
    """Standard error of a difference under `plan`, a share, and its degrees of freedom."""
    sizes = np.array(plan.sizes, dtype=np.float64)
    concentration = float(((sizes / sizes.sum()) ** 2).sum())
    clusters = 1 / concentration - 1
    units = noise.discordance / sizes.sum() / plan.trainings
    subjects = noise.heterogeneity**2 * concentration + units
    training = 2 * noise.training**2 / plan.trainings
    if plan.by_fold:
        return sqrt(subjects + training * concentration), clusters
    if plan.trainings == 1:
        return sqrt(subjects + training), clusters
    total = subjects + training
    below = subjects**2 / clusters + (training + units) ** 2 / (plan.arms * (plan.trainings - 1))
    return sqrt(total), max(1.0, total**2 / below) if below else clusters


def power(plan: Plan, noise: Noise, difference: float) -> float:
    """Share of studies in which a true difference of one pair is found at the family's level."""
    if len(plan.sizes) < MIN_CLUSTERS:
        return 0.0
    error, df = standard_error(plan, noise)
    if error == 0:
        return float(difference > 0)
    return float(nct.sf(student.isf(ALPHA / (2 * plan.family), df), df, difference / error))


def smallest_difference(plan: Plan, noise: Noise) -> float | None:
    """The least difference, a share, found with at least `POWER`; None with too few clusters or above 1."""
    if len(plan.sizes) < MIN_CLUSTERS:
        return None
    error, df = standard_error(plan, noise)
    least = _detectable(error, df, family=plan.family)
    return least if least <= 1 else None


def detectable_after(estimate: Estimate, *, family: int) -> float:
    """The least difference, a share, that such a study finds with `POWER`, from its own variances."""
    return _detectable(estimate.error, estimate.df, family=family)


def _detectable(error: float, df: float, *, family: int) -> float:
    return float((student.isf(ALPHA / (2 * family), df) + student.isf(1 - POWER, df)) * error)
