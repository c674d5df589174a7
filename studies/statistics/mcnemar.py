"""The exact McNemar test of two arms on the same units (McNemar 1947, doi 10.1007/BF02295996).

If the arms are equally good, each unit that exactly one arm classifies correctly is a fair coin toss. The
test assumes independent units and uses a single training per arm. Reports show its p-value, but no verdict
depends on it.
"""

from __future__ import annotations

from scipy.stats import binomtest

from studies.errors import StudyError


def compute_mcnemar_p(wins: int, losses: int) -> float:
    """Return the two-sided p-value of the exact McNemar test.

    `wins` counts the units that only one arm classifies correctly, `losses` those that only the other does.

    Raises:
        StudyError: `wins` or `losses` is negative.
    """
    if min(wins, losses) < 0:
        raise StudyError(
            "mcnemar-count.negative",
            f"wins and losses are counts of units, 0 or more; got {wins} and {losses}",
        )
    if wins + losses == 0:
        return 1.0
    return float(binomtest(wins, wins + losses).pvalue)
