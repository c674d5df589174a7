"""Differences between arms, with the uncertainty due to both test subjects and trainings.

A study tests its arms on a sample of people after a sample of trainings. Other people and other trainings
would give other numbers, and a verdict about architectures must hold for them too. A significant difference
must therefore pass two tests:

1. *Sign-flip test over clusters.* Under the null hypothesis, swapping two arms for a subject changes nothing,
   so all sign patterns over the subjects are equally likely. The statistic is the largest studentized
   difference of the family, with the same signs for all its pairs (max-T: Westfall and Young 1993; Romano and
   Wolf 2005, doi 10.1198/016214504000000539). The test is exact for any number and size of subjects and for
   rare errors. It does not account for the training, which all subjects share.
2. *t test over subjects and trainings*, if one training is tested on all subjects. Subjects and trainings are
   crossed random factors (Clark 1973, doi 10.1016/S0022-5371(73)80014-3). The variance is therefore the sum
   of the variances over subjects and over trainings, minus their interaction, which both contain (Cameron,
   Gelbach and Miller 2011, doi 10.1198/jbes.2010.07136). The degrees of freedom are Satterthwaite's; subjects
   of unequal size count as their effective number (Carter, Schnepel and Steigerwald 2017, doi
   10.1162/REST_a_00639). A Bonferroni correction controls the family-wise error.

With several splits, the variance over splits replaces the variance over trainings. It is enlarged for
overlapping training sets (Nadeau and Bengio 2003, doi 10.1023/A:1024068626366), and the interaction is not
subtracted. Under `kfold` and `loso` each fold has its own training: the folds are the clusters, and only the
first test applies.

The interval and p are those of the more conservative test, so p < 0.05 if and only if the interval excludes
0. `tests/simulation` holds the simulated studies that measure the error rates, and `docs/verdicts.md` the
results.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, stdtr, stdtrit  # scipy.stats has the same and takes a second to import

Array = NDArray[np.float64]

ALPHA = 0.05
"""Family-wise error rate: probability of any false "better" or "worse" in a family of comparisons."""

MAX_SIGN_PATTERNS = 4096
"""Maximum number of sign patterns. Up to 13 clusters, these are all patterns."""

POOLING_LEVEL = 0.2
"""The training variances of the arms are pooled unless Bartlett's test rejects their equality at this level.

A preliminary test needs a level well above 0.05 (Bancroft 1944, doi 10.1214/aoms/1177731284).
"""

_EPSILON = 1e-12
"""Differences below this value are rounding errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingScores:
    """One metric of several arms, all trained the same number of times on the same splits.

    Leading dimensions (...) are independent studies; only simulations have them.

    Attributes:
        values: Metric of each training, shape (..., arms, splits, seeds).
        contributions: Contribution of each cluster of test units to the metric of each training, shape
            (..., arms, splits, seeds, clusters). Contributions sum to 0 over the clusters.
        cluster_sizes: Number of test units in each cluster, shape (..., clusters).
        test_train_ratio: Number of test samples divided by the number of training samples.
        has_fold_clusters: True if separate trainings are tested on each cluster, as with folds.
    """

    values: Array
    contributions: Array
    cluster_sizes: Array
    test_train_ratio: float = 0.0
    has_fold_clusters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastResults:
    """Results of a family of contrasts; each array has shape (..., contrasts).

    Attributes:
        estimates: Estimate of each contrast.
        low: Lower end of the interval at the family-wise level.
        high: Upper end of the interval.
        p: p-value, adjusted for the family.
        standard_error: Standard error of the estimate over everything that the study varied.
        df: Degrees of freedom of `standard_error`.
        subject_se: Standard error over clusters.
        training_se: Standard error over the trainings of one split.
        split_se: Standard error over splits.
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
    """Estimate each contrast and test it against 0.

    Needs at least two clusters. With one training on one split, only the sign-flip test is possible, and the
    result is conditional on the trained networks.

    Args:
        scores: Scores of the arms.
        contrasts: Weights, shape (contrasts, arms). Each row sums to 0.
        family_size: Number of contrasts in the whole family if `contrasts` is only a part of it; the part
            then gets its proportion of `ALPHA`. 0 means that `contrasts` is the whole family.
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
    """Estimate each row of `contrasts`, shape (contrasts, arms), with an individual interval from the t test.

    Use this for values that are not compared with 0, such as one arm's accuracy. The p-values still test
    against 0.
    """
    results = _compute_errors(scores, np.asarray(contrasts, dtype=np.float64))
    p, half_width = _run_t_test(results, family_size=1)
    return replace(results, low=results.estimates - half_width, high=results.estimates + half_width, p=p)


def _compute_errors(scores: TrainingScores, weights: Array) -> ContrastResults:
    """Compute the estimates and standard errors. `low`, `high` and `p` of the result are NaN."""
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
    """Return True if the clusters carry all variation: one training in total, or one per cluster."""
    split_count, seed_count = scores.values.shape[-2:]
    return split_count == 1 and (seed_count == 1 or scores.has_fold_clusters)


def _run_sign_flip_test(contributions: Array, cluster_shares: Array, *, alpha: float) -> tuple[Array, Array]:
    """Return the max-T p of each contrast, shape (..., contrasts), and the critical value at level `alpha`.

    The critical value has shape (...,). A contrast is significant if and only if its |t| exceeds it.
    `contributions` (..., contrasts, clusters) sum to the estimates; `cluster_shares` (..., clusters) is each
    cluster's fraction of the units.
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
    # The tolerance keeps rounding from separating equal statistics, such as those of the observed pattern.
    is_extreme = max_statistic[..., None, :] >= statistic[..., :1] * (1 - 1e-9)
    rank = ceil(alpha * len(signs))
    critical = -np.partition(-max_statistic, rank - 1, axis=-1)[..., rank - 1]
    p: Array = is_extreme.mean(axis=-1)
    return p, critical * (1 + 1e-9)


@cache
def make_sign_patterns(cluster_count: int) -> Array:
    """Return sign patterns, shape (patterns, clusters), the first row all +1.

    These are all patterns up to a common sign if there are at most `MAX_SIGN_PATTERNS`, else a random sample
    of `MAX_SIGN_PATTERNS` patterns.
    """
    if 2 ** (cluster_count - 1) <= MAX_SIGN_PATTERNS:
        bits = np.arange(2 ** (cluster_count - 1))[:, None] >> np.arange(cluster_count) & 1
    else:
        bits = np.random.default_rng(cluster_count).integers(0, 2, size=(MAX_SIGN_PATTERNS, cluster_count))
        bits[0] = 0
    return np.where(bits == 1, -1.0, 1.0)


def _compute_training_variance(values: Array, weights: Array) -> tuple[Array, Array]:
    """Return the variance of each contrast over the trainings of one split, with its degrees of freedom.

    `values` has shape (..., arms, seeds). The arms are trained independently, so their variances add up even
    if they share seeds. An arm with zero variance has collapsed: its variance stays 0 and is not pooled.
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
    """Return p of Bartlett's test (1937) for equal variances of the arms that vary, shape (..., 1)."""
    arm_count = is_varying.sum(axis=-1, keepdims=True)
    log_sum = np.log(np.where(is_varying, variances, 1.0)).sum(axis=-1, keepdims=True)
    statistic = (seed_count - 1) * (
        arm_count * np.log(np.where(pooled_variance > 0, pooled_variance, 1.0)) - log_sum
    )
    bartlett_df = np.maximum(arm_count - 1, 1)
    correction = 1 + (arm_count - 1 / np.maximum(arm_count, 1)) / (3 * bartlett_df * (seed_count - 1))
    return np.where(arm_count > 1, chdtrc(bartlett_df, statistic / correction), 1.0)


def _compute_interaction_variance(contributions: Array, weights: Array) -> Array:
    """Return the interaction variance, which the variances over clusters and over trainings both contain.

    `contributions` has shape (..., arms, seeds, clusters). The caller applies the cluster correction.
    """
    seed_count = contributions.shape[-2]
    deviations = contributions - contributions.mean(axis=-2, keepdims=True)
    interaction_variance: Array = (
        (deviations**2).sum(axis=(-1, -2)) / ((seed_count - 1) * seed_count) @ (weights**2).T
    )
    return interaction_variance


def _compute_split_variance(scores: TrainingScores, weights: Array) -> tuple[Array, Array]:
    """Return the variance over splits with overlapping training sets and its degrees of freedom.

    Both have shape (..., contrasts).
    """
    split_count = scores.values.shape[-2]
    means = np.moveaxis(scores.values.mean(axis=-1), -1, -2) @ weights.T  # (..., splits, contrasts)
    variance = means.var(axis=-2, ddof=1) * (1 / split_count + scores.test_train_ratio)
    return variance, np.full_like(variance, split_count - 1.0)


def _compute_satterthwaite_df(total_variance: Array, *components: tuple[Array, Array]) -> Array:
    """Return the degrees of freedom of a sum of variances. A component of variance 0 may have df 0."""
    denominator = np.sum([variance**2 / np.maximum(df, _EPSILON) for variance, df in components], axis=0)
    ratio: Array = total_variance**2 / np.maximum(denominator, _EPSILON**4)
    df: Array = np.maximum(ratio, 1.0)
    return df


def _run_t_test(results: ContrastResults, *, family_size: int) -> tuple[Array, Array]:
    """Return the Bonferroni-adjusted p and the half-width of the interval at the same level."""
    safe_error = np.maximum(results.standard_error, _EPSILON)
    p = np.minimum(1.0, family_size * 2 * stdtr(results.df, -np.abs(results.estimates) / safe_error))
    return p, -stdtrit(results.df, ALPHA / (2 * family_size)) * results.standard_error
