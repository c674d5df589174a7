"""Differences between arms with what both the test subjects and the trainings leave uncertain.

A study tests its arms on some people after some trainings. Other people and other trainings would give other
numbers, and a verdict about architectures has to hold for them too. Two tests must therefore agree:

1. *Sign flips over clusters.* If nothing differs, swapping two arms for a subject changes nothing, so every
   pattern of signs over the subjects is as likely as the observed one. The statistic is the largest
   studentized difference of the family under the same signs for all its pairs (max-T: Westfall and Young
   1993; Romano and Wolf 2005, doi 10.1198/016214504000000539). It is exact for any number and size of
   subjects and for rare errors, and does not see what all subjects share: the training.
2. *A t test on subjects and trainings*, wherever one training is tested on all subjects. Subjects and
   trainings are crossed random factors (Clark 1973, doi 10.1016/S0022-5371(73)80014-3), so the variance is
   the sum of the variance over subjects and that over trainings, less their interaction, which both contain
   (Cameron, Gelbach and Miller 2011, doi 10.1198/jbes.2010.07136), with Satterthwaite's degrees of freedom;
   unequal subjects count as their effective number (Carter, Schnepel and Steigerwald 2017, doi
   10.1162/REST_a_00639). The family is controlled by Bonferroni's bound.

With several divisions, their variance takes the place of the trainings', enlarged for training sets that
overlap (Nadeau and Bengio 2003, doi 10.1023/A:1024068626366), and the interaction is not subtracted. Under
`kfold` and `loso` each fold is a training of its own: the folds are the clusters and the first test suffices.

Interval and p come from whichever test is the more cautious, so that p < 0.05 if and only if the interval
leaves out 0. `tests/simulation` holds the studies on which this was measured, `docs/verdicts.md` the results.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import t as student

Array = NDArray[np.float64]

ALPHA = 0.05
"""Chance of any false "better" or "worse" in a family of comparisons."""

MAX_SIGN_PATTERNS = 4096
"""Sign patterns that are tried; all of them up to 13 clusters."""

POOLING_LEVEL = 0.2
"""Arms share one training variance unless Bartlett's test calls their variances unequal at this level.

A preliminary test needs a level well above 0.05 (Bancroft 1944, doi 10.1214/aoms/1177731284).
"""

_EPSILON = 1e-12
"""Differences this small are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingScores:
    """One metric of several arms, each trained as often on the same divisions.

    `values` (..., arms, divisions, seeds) holds the metric of each training, `contributions`
    (..., arms, divisions, seeds, clusters) what each cluster of test units contributes to it, summing to 0
    over the clusters, and `sizes` (..., clusters) the number of units. `test_to_train` is the ratio of their
    sample counts. `fold_clusters` says that each cluster was tested by trainings of its own. Leading
    dimensions are independent studies, which only simulations have.
    """

    values: Array
    contributions: Array
    cluster_sizes: Array
    test_train_ratio: float = 0.0
    has_fold_clusters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastResults:
    """A family of contrasts, each array of shape (..., contrasts).

    `p` is adjusted for the family, and `low` to `high` is the interval at the family's level. The standard
    errors are those of the estimate: `subject_error` over clusters, `training_error` over the trainings of
    one division, `division_error` over divisions, and `error` of all that the study varied, with `df`.
    """

    estimates: Array
    low: Array
    high: Array
    p: Array
    standard_error: Array
    df: Array
    subject_se: Array
    training_se: Array
    split_se: Array


def compare_contrasts(scores: TrainingScores, contrasts: Array, *, family_size: int = 0) -> ContrastResults:
    """Estimate each row of `contrasts` (contrasts, arms), weights that sum to 0, and test it against 0.

    `family` is the number of contrasts in the whole family where this is only a part of it: the part then
    takes its share of the 5 %. With one training on one division the result is conditional on the trained
    networks: only the first test is possible. At least two clusters are needed.
    """
    weights = np.asarray(contrasts, dtype=np.float64)
    family_size = family_size or len(weights)
    results = _compute_errors(scores, weights)
    cluster_shares = scores.cluster_sizes / scores.cluster_sizes.sum(axis=-1, keepdims=True)
    cluster_contributions = weights @ scores.contributions.mean(axis=(-2, -3))
    contributions = cluster_contributions + results.estimates[..., None] * cluster_shares[..., None, :]
    p, critical = _run_sign_flip_test(contributions, cluster_shares, alpha=ALPHA * len(weights) / family_size)
    p = np.minimum(1.0, p * family_size / len(weights))
    half_width = critical[..., None] * results.subject_se
    if not _is_conditional(scores):
        t_p, t_half_width = _run_t_test(results, family_size=family_size)
        p, half_width = np.maximum(p, t_p), np.maximum(half_width, t_half_width)
    return replace(results, low=results.estimates - half_width, high=results.estimates + half_width, p=p)


def estimate_contrasts(scores: TrainingScores, contrasts: Array) -> ContrastResults:
    """Estimate each row of `contrasts` (contrasts, arms) with an interval of its own, by the t test alone.

    For values that are not compared with 0, such as one arm's accuracy; p is that of 0 all the same.
    """
    results = _compute_errors(scores, np.asarray(contrasts, dtype=np.float64))
    p, half_width = _run_t_test(results, family_size=1)
    return replace(results, low=results.estimates - half_width, high=results.estimates + half_width, p=p)


def _compute_errors(scores: TrainingScores, weights: Array) -> ContrastResults:
    """Estimates and standard errors; interval and p are still empty (not a number)."""
    estimates = scores.values.mean(axis=(-1, -2)) @ weights.T
    estimates = np.where(np.abs(estimates) < _EPSILON, 0.0, estimates)
    cluster_shares = scores.cluster_sizes / scores.cluster_sizes.sum(axis=-1, keepdims=True)
    cluster_contributions = weights @ scores.contributions.mean(axis=(-2, -3))
    cluster_count = cluster_shares.shape[-1]
    cluster_correction = cluster_count / (cluster_count - 1)
    subject_variance = cluster_correction * (cluster_contributions**2).sum(axis=-1)
    df = np.broadcast_to(1 / (cluster_shares**2).sum(axis=-1, keepdims=True) - 1, subject_variance.shape)
    training_variance = split_variance = np.zeros_like(subject_variance)
    variance = subject_variance
    if not _is_conditional(scores):
        if scores.values.shape[-2] > 1:
            split_variance, training_df = _compute_split_variance(scores, weights)
            variance = subject_variance + split_variance
        else:
            training_variance, training_df = _compute_training_variance(scores.values[..., 0, :], weights)
            interaction_variance = cluster_correction * _compute_interaction_variance(
                scores.contributions[..., 0, :, :], weights
            )
            variance = np.maximum(
                subject_variance + training_variance - interaction_variance,
                np.maximum(subject_variance, training_variance),
            )
        df = _compute_satterthwaite_df(
            variance, (subject_variance, df), (training_variance + split_variance, training_df)
        )
    nan_array = np.full_like(subject_variance, np.nan)
    return ContrastResults(
        estimates=estimates,
        low=nan_array,
        high=nan_array,
        p=nan_array,
        standard_error=np.sqrt(variance),
        df=df,
        subject_se=np.sqrt(subject_variance),
        training_se=np.sqrt(training_variance),
        split_se=np.sqrt(split_variance),
    )


def _is_conditional(scores: TrainingScores) -> bool:
    """Whether the clusters carry all that varied: one training, or one for each cluster."""
    split_count, seed_count = scores.values.shape[-2:]
    return split_count == 1 and (seed_count == 1 or scores.has_fold_clusters)


def _run_sign_flip_test(contributions: Array, cluster_shares: Array, *, alpha: float) -> tuple[Array, Array]:
    """Max-T p of each contrast (..., contrasts), and the critical value at level `alpha` (...,).

    `parts` (..., contrasts, clusters) sum to the estimates; `share` (..., clusters) is each cluster's share
    of the units. A contrast is significant if and only if its |t| exceeds the critical value.
    """
    signs = make_sign_patterns(cluster_shares.shape[-1])
    cluster_count = cluster_shares.shape[-1]
    flipped_sums = contributions @ signs.T
    square_sums = (contributions**2).sum(axis=-1, keepdims=True)
    cross_products = (contributions * cluster_shares[..., None, :]) @ signs.T
    flip_variance = (
        square_sums
        - 2 * flipped_sums * cross_products
        + flipped_sums**2 * (cluster_shares**2).sum(axis=-1)[..., None, None]
    )
    flip_variance = np.maximum(flip_variance * cluster_count / (cluster_count - 1), _EPSILON**2)
    statistic = np.where(np.abs(flipped_sums) < _EPSILON, 0.0, np.abs(flipped_sums) / np.sqrt(flip_variance))
    max_statistic = statistic.max(axis=-2)
    # Rounding must not part patterns that are equal, the observed one and its copies among them.
    is_extreme = max_statistic[..., None, :] >= statistic[..., :1] * (1 - 1e-9)
    rank = ceil(alpha * len(signs))
    critical = -np.partition(-max_statistic, rank - 1, axis=-1)[..., rank - 1]
    p: Array = is_extreme.mean(axis=-1)
    return p, critical * (1 + 1e-9)


@cache
def make_sign_patterns(cluster_count: int) -> Array:
    """Signs (patterns, clusters), the first row all +1: all patterns but for a common sign, or `FLIPS` of
    them.
    """
    if 2 ** (cluster_count - 1) <= MAX_SIGN_PATTERNS:
        bits = np.arange(2 ** (cluster_count - 1))[:, None] >> np.arange(cluster_count) & 1
    else:
        bits = np.random.default_rng(cluster_count).integers(0, 2, size=(MAX_SIGN_PATTERNS, cluster_count))
        bits[0] = 0
    return np.where(bits == 1, -1.0, 1.0)


def _compute_training_variance(values: Array, weights: Array) -> tuple[Array, Array]:
    """Variance of each contrast over the trainings of one division, with its degrees of freedom.

    `values` is (..., arms, seeds). Arms are trained independently, so their variances add up, whether or not
    seeds are shared. An arm without any variance has collapsed: it keeps 0 and takes no part in the pooling.
    """
    seed_count = values.shape[-1]
    contrast_values = values[..., np.any(weights != 0, axis=0), :]
    squared_weights = weights[:, np.any(weights != 0, axis=0)] ** 2 / seed_count
    arm_variances = contrast_values.var(axis=-1, ddof=1)
    arm_variances = np.where(arm_variances < _EPSILON**2, 0.0, arm_variances)
    is_varying = arm_variances > 0
    arm_count = is_varying.sum(axis=-1, keepdims=True)
    pooled_variance = arm_variances.sum(axis=-1, keepdims=True) / np.maximum(arm_count, 1)
    has_equal_variances = (
        _compute_bartlett_p(arm_variances, is_varying, pooled_variance, seed_count) > POOLING_LEVEL
    )
    welch_variance = arm_variances @ squared_weights.T
    welch_df = (
        (seed_count - 1)
        * welch_variance**2
        / np.maximum(arm_variances**2 @ (squared_weights**2).T, _EPSILON**4)
    )
    pooled_contrast_variance = np.where(is_varying, pooled_variance, 0.0) @ squared_weights.T
    pooled_df = np.broadcast_to(np.maximum(arm_count, 1) * (seed_count - 1.0), welch_variance.shape)
    return np.where(has_equal_variances, pooled_contrast_variance, welch_variance), np.where(
        has_equal_variances, pooled_df, np.maximum(welch_df, 1.0)
    )


def _compute_bartlett_p(
    variances: Array, is_varying: NDArray[np.bool_], pooled_variance: Array, seed_count: int
) -> Array:
    """P of Bartlett's test (1937) that the arms that vary have one variance, (..., 1)."""
    arm_count = is_varying.sum(axis=-1, keepdims=True)
    log_sum = np.log(np.where(is_varying, variances, 1.0)).sum(axis=-1, keepdims=True)
    statistic = (seed_count - 1) * (
        arm_count * np.log(np.where(pooled_variance > 0, pooled_variance, 1.0)) - log_sum
    )
    bartlett_df = np.maximum(arm_count - 1, 1)
    correction = 1 + (arm_count - 1 / np.maximum(arm_count, 1)) / (3 * bartlett_df * (seed_count - 1))
    return np.where(arm_count > 1, chi2.sf(statistic / correction, bartlett_df), 1.0)


def _compute_interaction_variance(contributions: Array, weights: Array) -> Array:
    """The part that the variances over clusters and over trainings both contain, less the clusters' factor.

    `contributions` is (..., arms, seeds, clusters).
    """
    seed_count = contributions.shape[-2]
    deviations = contributions - contributions.mean(axis=-2, keepdims=True)
    interaction_variance: Array = (
        (deviations**2).sum(axis=(-1, -2)) / ((seed_count - 1) * seed_count) @ (weights**2).T
    )
    return interaction_variance


def _compute_split_variance(scores: TrainingScores, weights: Array) -> tuple[Array, Array]:
    """Variance over divisions whose training sets overlap, (..., contrasts), with its degrees of freedom."""
    split_count = scores.values.shape[-2]
    means = np.moveaxis(scores.values.mean(axis=-1), -1, -2) @ weights.T  # (..., divisions, contrasts)
    variance = means.var(axis=-2, ddof=1) * (1 / split_count + scores.test_train_ratio)
    return variance, np.full_like(variance, split_count - 1.0)


def _compute_satterthwaite_df(total_variance: Array, *components: tuple[Array, Array]) -> Array:
    """Degrees of freedom of a variance that is a sum of others; a part without variance may have none."""
    denominator = np.sum([variance**2 / np.maximum(df, _EPSILON) for variance, df in components], axis=0)
    ratio: Array = total_variance**2 / np.maximum(denominator, _EPSILON**4)
    df: Array = np.maximum(ratio, 1.0)
    return df


def _run_t_test(results: ContrastResults, *, family_size: int) -> tuple[Array, Array]:
    """Bonferroni's p in a family of that size, and half the width of the interval at the same level."""
    safe_error = np.maximum(results.standard_error, _EPSILON)
    p = np.minimum(1.0, family_size * 2 * student.sf(np.abs(results.estimates) / safe_error, results.df))
    return p, student.isf(ALPHA / (2 * family_size), results.df) * results.standard_error
