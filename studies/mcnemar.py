"""The exact McNemar test of two arms on the same units, and the least difference that it can find.

Of the units that exactly one arm answers right, as many should fall to either if the arms are alike: a fair
coin (McNemar 1947, doi 10.1007/BF02295996). The test takes units for independent. Clips of one subject are
not where an arm suits some subjects better than others; then use `studies.clusters`.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binom, binomtest

ALPHA = 0.05
"""A difference is found where p lies below this."""

POWER = 0.8
"""A difference can be found where at least this share of studies would find it (Cohen's convention)."""

DISCORDANCE = 0.2
"""Share of units taken to be answered differently, right by one arm and wrong by the other, unless told."""

_STEPS = 100_000
"""Least differences are rounded up to a whole number of these parts."""


def exact(wins: int, losses: int) -> float:
    """Two-sided p of `wins` units that only one arm answers right against `losses` that only the other does.

    Raises:
        ValueError: a count below 0.
    """
    if min(wins, losses) < 0:
        raise ValueError(f"wins and losses are counts of units, 0 or more; got {wins} and {losses}")
    if wins + losses == 0:
        return 1.0
    return float(binomtest(wins, wins + losses).pvalue)


def power(n: int, difference: float, *, discordance: float) -> float:
    """Share of studies of `n` units in which the test gives p < ALPHA, in 0..1, without approximation.

    `discordance` is the share of units answered differently; of all units, one arm answers `difference` more
    right than the other. The number answered differently is itself left to chance.

    Raises:
        ValueError: n below 1, a share outside 0..1, or a difference above the discordance.
    """
    if n < 1 or not 0 <= difference <= discordance <= 1:
        raise ValueError(
            "power needs at least 1 unit and 0 <= difference <= discordance <= 1; "
            f"got n = {n}, difference = {difference:g}, discordance = {discordance:g}"
        )
    if discordance == 0:
        return 0.0
    differing = _likely(n, discordance)
    # The most wins at which the losers' tail still lies under ALPHA / 2; -1 where no count reaches it.
    most = binom.ppf(ALPHA / 2, differing, 0.5) - 1
    winning = (discordance + difference) / (2 * discordance)
    found = binom.cdf(most, differing, winning) + binom.sf(differing - most - 1, differing, winning)
    return float(binom.pmf(differing, n, discordance) @ found)


def _likely(n: int, share: float) -> NDArray[np.float64]:
    """The counts out of `n` that come up at all: leaves out less than 1e-9 on either side."""
    return np.arange(binom.ppf(1e-9, n, share), binom.isf(1e-9, n, share) + 1)


def smallest_difference(n: int, *, discordance: float = DISCORDANCE) -> float | None:
    """Least difference, a share, that `n` units find with at least POWER; None where they find none.

    A difference above `discordance` raises the discordance to itself: one arm then loses no unit.

    Raises:
        ValueError: discordance outside 0..1.
    """
    if not 0 <= discordance <= 1:
        raise ValueError(f"discordance is a share of units, 0..1; got {discordance:g}")

    def missing(difference: float) -> float:
        return POWER - power(n, difference, discordance=max(discordance, difference))

    if n < 1 or missing(1.0) > 0:
        return None
    least = float(brentq(missing, 0.0, 1.0, xtol=1e-9))
    return ceil(least * _STEPS) / _STEPS
