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

FLIPS = 4096
"""Sign patterns that are tried; all of them up to 13 clusters."""

POOLING_LEVEL = 0.2
"""Arms share one training variance unless Bartlett's test calls their variances unequal at this level.

A preliminary test needs a level well above 0.05 (Bancroft 1944, doi 10.1214/aoms/1177731284).
"""

_ZERO = 1e-12
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
    sizes: Array
    test_to_train: float = 0.0
    fold_clusters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """A family of contrasts, each array of shape (..., contrasts).

    `p` is adjusted for the family, and `low` to `high` is the interval at the family's level. The standard
    errors are those of the estimate: `subject_error` over clusters, `training_error` over the trainings of
    one division, `division_error` over divisions, and `error` of all that the study varied, with `df`.
    """

    estimate: Array
    low: Array
    high: Array
    p: Array
    error: Array
    df: Array
    subject_error: Array
    training_error: Array
    division_error: Array


def compare(scores: TrainingScores, contrasts: Array, *, family: int = 0) -> Comparisons:
    """Estimate each row of `contrasts` (contrasts, arms), weights that sum to 0, and test it against 0.

    `family` is the number of contrasts in the whole family where this is only a part of it: the part then
    takes its share of the 5 %. With one training on one division the result is conditional on the trained
    networks: only the first test is possible. At least two clusters are needed.
    """
    weights = np.asarray(contrasts, dtype=np.float64)
    family = family or len(weights)
    found = _errors(scores, weights)
    share = scores.sizes / scores.sizes.sum(axis=-1, keepdims=True)
    by_cluster = weights @ scores.contributions.mean(axis=(-2, -3))
    parts = by_cluster + found.estimate[..., None] * share[..., None, :]
    p, critical = _flip(parts, share, alpha=ALPHA * len(weights) / family)
    p = np.minimum(1.0, p * family / len(weights))
    half = critical[..., None] * found.subject_error
    if not _is_conditional(scores):
        tail, bound = _t_test(found, family=family)
        p, half = np.maximum(p, tail), np.maximum(half, bound)
    return replace(found, low=found.estimate - half, high=found.estimate + half, p=p)


def estimate(scores: TrainingScores, contrasts: Array) -> Comparisons:
    """Estimate each row of `contrasts` (contrasts, arms) with an interval of its own, by the t test alone.

    For values that are not compared with 0, such as one arm's accuracy; p is that of 0 all the same.
    """
    found = _errors(scores, np.asarray(contrasts, dtype=np.float64))
    p, half = _t_test(found, family=1)
    return replace(found, low=found.estimate - half, high=found.estimate + half, p=p)


def _errors(scores: TrainingScores, weights: Array) -> Comparisons:
    """Estimates and standard errors; interval and p are still empty (not a number)."""
    value = scores.values.mean(axis=(-1, -2)) @ weights.T
    value = np.where(np.abs(value) < _ZERO, 0.0, value)
    share = scores.sizes / scores.sizes.sum(axis=-1, keepdims=True)
    by_cluster = weights @ scores.contributions.mean(axis=(-2, -3))
    clusters = share.shape[-1]
    inflation = clusters / (clusters - 1)
    subjects = inflation * (by_cluster**2).sum(axis=-1)
    df = np.broadcast_to(1 / (share**2).sum(axis=-1, keepdims=True) - 1, subjects.shape)
    trainings = divisions = np.zeros_like(subjects)
    variance = subjects
    if not _is_conditional(scores):
        if scores.values.shape[-2] > 1:
            divisions, training_df = _division_variance(scores, weights)
            variance = subjects + divisions
        else:
            trainings, training_df = _training_variance(scores.values[..., 0, :], weights)
            shared = inflation * _interaction(scores.contributions[..., 0, :, :], weights)
            variance = np.maximum(subjects + trainings - shared, np.maximum(subjects, trainings))
        df = _satterthwaite(variance, (subjects, df), (trainings + divisions, training_df))
    empty = np.full_like(subjects, np.nan)
    return Comparisons(
        estimate=value,
        low=empty,
        high=empty,
        p=empty,
        error=np.sqrt(variance),
        df=df,
        subject_error=np.sqrt(subjects),
        training_error=np.sqrt(trainings),
        division_error=np.sqrt(divisions),
    )


def _is_conditional(scores: TrainingScores) -> bool:
    """Whether the clusters carry all that varied: one training, or one for each cluster."""
    divisions, seeds = scores.values.shape[-2:]
    return divisions == 1 and (seeds == 1 or scores.fold_clusters)


def _flip(parts: Array, share: Array, *, alpha: float) -> tuple[Array, Array]:
    """Max-T p of each contrast (..., contrasts), and the critical value at level `alpha` (...,).

    `parts` (..., contrasts, clusters) sum to the estimates; `share` (..., clusters) is each cluster's share
    of the units. A contrast is significant if and only if its |t| exceeds the critical value.
    """
    signs = sign_patterns(share.shape[-1])
    clusters = share.shape[-1]
    flipped = parts @ signs.T
    squares = (parts**2).sum(axis=-1, keepdims=True)
    cross = (parts * share[..., None, :]) @ signs.T
    spread = squares - 2 * flipped * cross + flipped**2 * (share**2).sum(axis=-1)[..., None, None]
    spread = np.maximum(spread * clusters / (clusters - 1), _ZERO**2)
    statistic = np.where(np.abs(flipped) < _ZERO, 0.0, np.abs(flipped) / np.sqrt(spread))
    largest = statistic.max(axis=-2)
    # Rounding must not part patterns that are equal, the observed one and its copies among them.
    reached = largest[..., None, :] >= statistic[..., :1] * (1 - 1e-9)
    rank = ceil(alpha * len(signs))
    critical = -np.partition(-largest, rank - 1, axis=-1)[..., rank - 1]
    p: Array = reached.mean(axis=-1)
    return p, critical * (1 + 1e-9)


@cache
def sign_patterns(clusters: int) -> Array:
    """Signs (patterns, clusters), the first row all +1: all patterns but for a common sign, or `FLIPS` of
    them.
    """
    if 2 ** (clusters - 1) <= FLIPS:
        bits = np.arange(2 ** (clusters - 1))[:, None] >> np.arange(clusters) & 1
    else:
        bits = np.random.default_rng(clusters).integers(0, 2, size=(FLIPS, clusters))
        bits[0] = 0
    return np.where(bits == 1, -1.0, 1.0)


def _training_variance(values: Array, weights: Array) -> tuple[Array, Array]:
    """Variance of each contrast over the trainings of one division, with its degrees of freedom.

    `values` is (..., arms, seeds). Arms are trained independently, so their variances add up, whether or not
    seeds are shared. An arm without any variance has collapsed: it keeps 0 and takes no part in the pooling.
    """
    seeds = values.shape[-1]
    used = values[..., np.any(weights != 0, axis=0), :]
    squared = weights[:, np.any(weights != 0, axis=0)] ** 2 / seeds
    own = used.var(axis=-1, ddof=1)
    own = np.where(own < _ZERO**2, 0.0, own)
    varies = own > 0
    arms = varies.sum(axis=-1, keepdims=True)
    pooled = own.sum(axis=-1, keepdims=True) / np.maximum(arms, 1)
    equal = _bartlett(own, varies, pooled, seeds) > POOLING_LEVEL
    welch = own @ squared.T
    welch_df = (seeds - 1) * welch**2 / np.maximum(own**2 @ (squared**2).T, _ZERO**4)
    together = np.where(varies, pooled, 0.0) @ squared.T
    together_df = np.broadcast_to(np.maximum(arms, 1) * (seeds - 1.0), welch.shape)
    return np.where(equal, together, welch), np.where(equal, together_df, np.maximum(welch_df, 1.0))


def _bartlett(own: Array, varies: NDArray[np.bool_], pooled: Array, seeds: int) -> Array:
    """P of Bartlett's test (1937) that the arms that vary have one variance, (..., 1)."""
    arms = varies.sum(axis=-1, keepdims=True)
    logs = np.log(np.where(varies, own, 1.0)).sum(axis=-1, keepdims=True)
    statistic = (seeds - 1) * (arms * np.log(np.where(pooled > 0, pooled, 1.0)) - logs)
    others = np.maximum(arms - 1, 1)
    correction = 1 + (arms - 1 / np.maximum(arms, 1)) / (3 * others * (seeds - 1))
    return np.where(arms > 1, chi2.sf(statistic / correction, others), 1.0)


def _interaction(contributions: Array, weights: Array) -> Array:
    """The part that the variances over clusters and over trainings both contain, less the clusters' factor.

    `contributions` is (..., arms, seeds, clusters).
    """
    seeds = contributions.shape[-2]
    own = contributions - contributions.mean(axis=-2, keepdims=True)
    shared: Array = (own**2).sum(axis=(-1, -2)) / ((seeds - 1) * seeds) @ (weights**2).T
    return shared


def _division_variance(scores: TrainingScores, weights: Array) -> tuple[Array, Array]:
    """Variance over divisions whose training sets overlap, (..., contrasts), with its degrees of freedom."""
    divisions = scores.values.shape[-2]
    means = np.moveaxis(scores.values.mean(axis=-1), -1, -2) @ weights.T  # (..., divisions, contrasts)
    variance = means.var(axis=-2, ddof=1) * (1 / divisions + scores.test_to_train)
    return variance, np.full_like(variance, divisions - 1.0)


def _satterthwaite(total: Array, *parts: tuple[Array, Array]) -> Array:
    """Degrees of freedom of a variance that is a sum of others; a part without variance may have none."""
    below = np.sum([variance**2 / np.maximum(df, _ZERO) for variance, df in parts], axis=0)
    ratio: Array = total**2 / np.maximum(below, _ZERO**4)
    df: Array = np.maximum(ratio, 1.0)
    return df


def _t_test(found: Comparisons, *, family: int) -> tuple[Array, Array]:
    """Bonferroni's p in a family of that size, and half the width of the interval at the same level."""
    safe = np.maximum(found.error, _ZERO)
    p = np.minimum(1.0, family * 2 * student.sf(np.abs(found.estimate) / safe, found.df))
    return p, student.isf(ALPHA / (2 * family), found.df) * found.error
