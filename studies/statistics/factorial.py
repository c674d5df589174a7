"""What the parts of a 2^k factorial do: each effect is a sum of weighted arms.

An arm is the set of the parts that are on. Effects and interactions are those of Box, Hunter and Hunter,
Statistics for Experimenters (2nd ed. 2005, chapter 5); shares of the whole are Shapley's (1953, doi
10.1515/9781400881970-018). An effect's value is the sum of weight times accuracy; the same weights on each
sample's correctness give the values that `studies.clusters` puts an interval on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import comb

Arm = frozenset[str]
Contrast = Mapping[Arm, float]
"""Weight by arm; arms of weight 0 are left out."""


def main_effect(parts: Sequence[str], part: str) -> Contrast:
    """Mean of the arms with `part` less mean of those without: weights ±1/2^(k-1) (Box, Hunter and Hunter).

    Raises:
        ValueError: a part named twice, or `part` not one of them.
    """
    _check(parts, part)
    weight = 1 / 2 ** (len(parts) - 1)
    return {arm: weight if part in arm else -weight for arm in _arms(parts)}


def interaction(parts: Sequence[str], first: str, second: str) -> Contrast:
    """Half the effect of `first` with `second` on less half of that with it off (Box, Hunter and Hunter).

    Weights are +1/2^(k-1) for arms with both or neither, -1/2^(k-1) for the rest. `first` and `second`
    may change places.

    Raises:
        ValueError: a part named twice, or `first` and `second` not two of them.
    """
    _check(parts, first, second)
    weight = 1 / 2 ** (len(parts) - 1)
    return {arm: weight if (first in arm) == (second in arm) else -weight for arm in _arms(parts)}


def shapley(parts: Sequence[str], part: str) -> Contrast:
    """What `part` adds when it is switched on, as the mean over all k! orders of switching on (Shapley 1953).

    An arm S without it comes just before it in |S|! (k - 1 - |S|)! of the orders: weight 1/(k C(k-1, |S|))
    for S with it, the negative for S. Over all parts the values sum to the full arm less the empty one.

    Raises:
        ValueError: a part named twice, or `part` not one of them.
    """
    _check(parts, part)
    k = len(parts)
    weights: dict[Arm, float] = {}
    for arm in _arms([other for other in parts if other != part]):
        weight = 1 / (k * comb(k - 1, len(arm)))
        weights |= {arm: -weight, arm | {part}: weight}
    return weights


def in_order(order: Sequence[str], part: str) -> Contrast:
    """What `part` adds at its place in one order: the arm of all up to it less the arm of those before it.

    That is a ladder's rung, and one of the k! terms of Shapley's mean.

    Raises:
        ValueError: a part named twice, or `part` not one of them.
    """
    _check(order, part)
    before = frozenset(order[: order.index(part)])
    return {before: -1.0, before | {part}: 1.0}


def minus(a: Contrast, b: Contrast) -> Contrast:
    """The difference of two contrasts: weights of `a` less those of `b`, arm by arm."""
    weights = {arm: a.get(arm, 0.0) - b.get(arm, 0.0) for arm in {**a, **b}}
    return {arm: weight for arm, weight in weights.items() if weight}


def _arms(parts: Sequence[str]) -> Iterator[Arm]:
    """All 2^k sets of parts, the smaller first."""
    for size in range(len(parts) + 1):
        yield from map(frozenset, combinations(parts, size))


def _check(parts: Sequence[str], *named: str) -> None:
    if len(set(parts)) != len(parts):
        raise ValueError(f"each part may be named once; got {', '.join(parts)}")
    if len(set(named)) != len(named) or not set(named) <= set(parts):
        raise ValueError(f"name different ones of {', '.join(parts)}; got {', '.join(named)}")
