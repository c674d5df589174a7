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

ComponentSet = frozenset[str]
Contrast = Mapping[ComponentSet, float]
"""Weight by arm; arms of weight 0 are left out."""


def compute_main_effect(components: Sequence[str], component: str) -> Contrast:
    """Mean of the arms with `part` less mean of those without: weights ±1/2^(k-1) (Box, Hunter and Hunter).

    Raises:
        ValueError: a part named twice, or `part` not one of them.
    """
    _validate_components(components, component)
    weight = 1 / 2 ** (len(components) - 1)
    return {arm: weight if component in arm else -weight for arm in _list_arms(components)}


def compute_interaction(components: Sequence[str], first: str, second: str) -> Contrast:
    """Half the effect of `first` with `second` on less half of that with it off (Box, Hunter and Hunter).

    Weights are +1/2^(k-1) for arms with both or neither, -1/2^(k-1) for the rest. `first` and `second`
    may change places.

    Raises:
        ValueError: a part named twice, or `first` and `second` not two of them.
    """
    _validate_components(components, first, second)
    weight = 1 / 2 ** (len(components) - 1)
    return {arm: weight if (first in arm) == (second in arm) else -weight for arm in _list_arms(components)}


def compute_shapley_value(components: Sequence[str], component: str) -> Contrast:
    """What `part` adds when it is switched on, as the mean over all k! orders of switching on (Shapley 1953).

    An arm S without it comes just before it in |S|! (k - 1 - |S|)! of the orders: weight 1/(k C(k-1, |S|))
    for S with it, the negative for S. Over all parts the values sum to the full arm less the empty one.

    Raises:
        ValueError: a part named twice, or `part` not one of them.
    """
    _validate_components(components, component)
    component_count = len(components)
    weights: dict[ComponentSet, float] = {}
    for arm in _list_arms([other for other in components if other != component]):
        weight = 1 / (component_count * comb(component_count - 1, len(arm)))
        weights |= {arm: -weight, arm | {component}: weight}
    return weights


def compute_ordered_effect(order: Sequence[str], component: str) -> Contrast:
    """What `part` adds at its place in one order: the arm of all up to it less the arm of those before it.

    That is a ladder's rung, and one of the k! terms of Shapley's mean.

    Raises:
        ValueError: a part named twice, or `part` not one of them.
    """
    _validate_components(order, component)
    before = frozenset(order[: order.index(component)])
    return {before: -1.0, before | {component}: 1.0}


def subtract_contrasts(a: Contrast, b: Contrast) -> Contrast:
    """The difference of two contrasts: weights of `a` less those of `b`, arm by arm."""
    weights = {arm: a.get(arm, 0.0) - b.get(arm, 0.0) for arm in {**a, **b}}
    return {arm: weight for arm, weight in weights.items() if weight}


def _list_arms(components: Sequence[str]) -> Iterator[ComponentSet]:
    """All 2^k sets of parts, the smaller first."""
    for size in range(len(components) + 1):
        yield from map(frozenset, combinations(components, size))


def _validate_components(components: Sequence[str], *names: str) -> None:
    if len(set(components)) != len(components):
        raise ValueError(f"each part may be named once; got {', '.join(components)}")
    if len(set(names)) != len(names) or not set(names) <= set(components):
        raise ValueError(f"name different ones of {', '.join(components)}; got {', '.join(names)}")
