"""The exact McNemar test of two arms on the same units (McNemar 1947, doi 10.1007/BF02295996).

Of the units that exactly one arm answers right, as many should fall to either if the arms are alike: a fair
coin. The test takes units for independent and knows of one training only, so reports show it and never
decide by it.
"""

from __future__ import annotations

from scipy.stats import binomtest


def compute_mcnemar_p(wins: int, losses: int) -> float:
    """Two-sided p of `wins` units that only one arm answers right against `losses` that only the other does.

    Raises:
        ValueError: a count below 0.
    """
    if min(wins, losses) < 0:
        raise ValueError(f"wins and losses are counts of units, 0 or more; got {wins} and {losses}")
    if wins + losses == 0:
        return 1.0
    return float(binomtest(wins, wins + losses).pvalue)
