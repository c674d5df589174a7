"""A mean over samples whose subjects, not samples, are independent: its interval and p by halving subjects.

If nothing differs, swapping two arms for a subject changes nothing: each subject's sum of differences is as
likely as its negative. The p is the share of sign flips, one a subject, that put the mean as far from 0 as
it lies; the interval is every value that this test would not reject. A flip parts the subjects in two
halves, and counts for a value that lies between the halves' means, so the ends of the interval are
quantiles of those means (Hartigan 1969, JASA 64, 1303-1317). Under that symmetry the test is exact for any
number of subjects of any size; where it holds only nearly, so does the test (Canay, Romano and Shaikh 2017,
doi 10.3982/ECTA13081). In plain terms: a randomisation test over subjects, and its interval.

Simulated, 3 to 30 clips a subject, 2000 studies of each of seven kinds: the 95 % interval covers the true
difference in 95 to 99 % at 6 subjects, 93 to 97 % at 10, 94 to 95 % at 26, and identical arms are told apart
in 2, 3 and 5 %. The bootstrap-t over subjects (Cameron, Gelbach and Miller 2008, doi 10.1162/rest.90.3.414)
covers it in 93 to 96 %, its intervals being as wide or up to 1.7 times as wide, and finds less.

Neither sees what training again with other seeds would change, beyond the seeds that were averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studies.mcnemar import ALPHA

RESAMPLES = 10_000
"""Halvings drawn; with no more than 14 subjects all are taken."""

LEAST_CLUSTERS = 6
"""Fewest subjects with an interval: 5 have 16 halvings, so no p below 0.06."""

_ZERO = 1e-12
"""Halves' means this close to 0 are 0: a third less a third need not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean of `samples`, its 95 % interval and two-sided p of being 0; None where subjects are too few."""

    estimate: float
    low: float | None
    high: float | None
    p: float | None
    clusters: int
    samples: int

    def within(self, margin: float) -> bool:
        """Whether there is an interval, it lies between -margin and margin, and the samples can tell.

        Where all samples agree the interval has no width, however few they are; yet what none of n samples
        has shown may still happen in 3/n of them (Hanley and Lippman-Hand 1983, the rule of three).
        """
        if self.low is None or self.high is None or self.samples * margin < 3:
            return False
        return -margin <= self.low <= self.high <= margin


def mean_over_clusters(
    values: ArrayLike, clusters: Sequence[str] | Sequence[int] | NDArray[np.generic], *, seed: int = 0
) -> Interval:
    """The plain mean of `values`, with its interval and p; `seed` draws the halvings.

    `values` is one number a sample, shape (N,): a difference of correctness, averaged over seeds, or any
    contrast of arms. `clusters`, shape (N,), names the subject of each. p < 0.05 if and only if the interval
    leaves out 0. Where all values are 0 the interval is [0, 0] and p is 1. Where all are some other c, it is
    [c, c] and p the least that so many subjects can give: no sign flip does as well.

    Raises:
        ValueError: no values, one that is not finite, or not one cluster a value.
    """
    numbers, names = np.asarray(values, dtype=np.float64), np.asarray(clusters)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        faults = f"shape {numbers.shape}, {np.count_nonzero(~np.isfinite(numbers))} not finite"
        raise ValueError(f"a mean needs one finite number a sample, shape (N,); got {faults}")
    if names.shape != numbers.shape:
        raise ValueError(f"each value needs its cluster; got {numbers.size} values, clusters {names.shape}")
    _, member = np.unique(names, return_inverse=True)
    sizes = np.bincount(member)
    estimate, count = float(numbers.mean()), len(sizes)
    if count < LEAST_CLUSTERS:
        return Interval(estimate=estimate, low=None, high=None, p=None, clusters=count, samples=numbers.size)
    totals = np.stack([np.bincount(member, numbers), sizes.astype(np.float64)])
    low, high = _between(totals, halvings(count, seed=seed))
    rank = ceil(ALPHA * len(low)) - 1
    return Interval(
        estimate=estimate,
        low=float(np.partition(low, rank)[rank]),
        high=float(-np.partition(-high, rank)[rank]),
        p=float(np.mean((low <= 0) & (high >= 0))),
        clusters=count,
        samples=numbers.size,
    )


def halvings(count: int, *, seed: int = 0, most: int = RESAMPLES) -> NDArray[np.float64]:
    """Ways to part the clusters in two, shape (ways, count), 1 for the first half; row 0 leaves it empty.

    All there are, or `most` drawn by `seed`.
    """
    if 2 ** (count - 1) <= most:
        return (np.arange(2 ** (count - 1))[:, None] >> np.arange(count) & 1).astype(np.float64)
    drawn = np.random.default_rng(seed).integers(0, 2, size=(most, count), dtype=np.uint8)
    drawn[0] = 0
    return drawn.astype(np.float64)


def _between(
    totals: NDArray[np.float64], ways: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lower and the higher of the two halves' means, shape (ways,); unbounded where a half is empty.

    `totals` holds the sum and the number of each cluster's values, shape (2, count).
    """
    first = ways @ totals.T
    halves = np.stack([first, totals.sum(axis=1) - first])
    sums, sizes = halves[..., 0], halves[..., 1]
    means = sums / np.maximum(sizes, 1)
    means[np.abs(means) < _ZERO] = 0
    empty = (sizes == 0).any(axis=0)
    return np.where(empty, -np.inf, means.min(axis=0)), np.where(empty, np.inf, means.max(axis=0))
