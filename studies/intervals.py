"""How far a share of correct answers can be trusted: Wilson's score interval (1927).

It takes the answers for independent. Frames of one clip are not, so over frames it is too narrow.
"""

from __future__ import annotations

from math import sqrt

Z_95 = 1.959963984540054
"""The standard normal's 97.5 % quantile."""


def wilson(correct: int, n: int) -> tuple[float, float]:
    """Lower and upper end, in 0..1, of the 95 % interval of `correct` out of `n`.

    Raises:
        ValueError: n below 1, or correct outside 0..n.
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"an interval needs n of at least 1 and correct in 0..n; got {correct} of {n}")
    share, spread = correct / n, Z_95**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)
