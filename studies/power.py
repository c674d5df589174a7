"""What difference a test set can show before anything has been trained: by simulating the test that decides.

A study judges two arms by `studies.clusters` over the test's subjects, or by McNemar's test where they are
too few (`studies.verdicts`). The first has no closed power, so it is simulated: answers that differ between
the arms are dealt out at random, independently from sample to sample. Where an arm suits some people better
than others, as in truth, the least difference is larger than what is stated here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from studies.clusters import LEAST_CLUSTERS, halvings
from studies.mcnemar import ALPHA, DISCORDANCE, POWER
from studies.mcnemar import smallest_difference as by_mcnemar

STUDIES = 1000
"""Simulated studies for each difference that is tried."""

HALVINGS = 1000
STEP = 0.002
"""The least difference is found to this, a share."""


def smallest_difference(sizes: Sequence[int], *, discordance: float = DISCORDANCE) -> float | None:
    """Least difference of accuracy, a share, that a test with `sizes` samples of each subject shows.

    Shown: p < 0.05 in at least 80 % of studies, for one comparison, if a share `discordance` of the samples
    is answered right by one arm alone, or the difference itself where that is more. None where no difference
    is large enough.
    """
    if len(sizes) < LEAST_CLUSTERS:
        return by_mcnemar(sum(sizes), discordance=discordance)
    counts = np.array(sizes)
    low, high = 0, round(1 / STEP)
    if power(counts, 1.0, discordance=1.0) < POWER:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        tried = middle * STEP
        if power(counts, tried, discordance=max(discordance, tried)) < POWER:
            low = middle
        else:
            high = middle
    return high * STEP


def power(sizes: NDArray[np.int64], difference: float, *, discordance: float, seed: int = 0) -> float:
    """Share of simulated studies in which the test over subjects finds the difference.

    `sizes` and the shares are as in `smallest_difference`.
    """
    assert 0 <= difference <= discordance <= 1, (difference, discordance)
    shares = ((discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance)
    drawn = np.random.default_rng(seed).multinomial(sizes, shares, size=(STUDIES, len(sizes)))
    sums = (drawn[..., 0] - drawn[..., 1]).astype(np.float64)
    first = sums @ halvings(len(sizes), seed=seed, most=HALVINGS).T
    # A halving speaks against a difference where the halves' sums do not point the same way.
    p = np.mean(first * (sums.sum(axis=1, keepdims=True) - first) <= 0, axis=1)
    return float(np.mean((p < ALPHA) & (sums.sum(axis=1) > 0)))
