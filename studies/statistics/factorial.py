"""Contrasts of a 2^k factorial design: the effect of each component as a weighted sum of arms.

An arm is the set of its enabled components. Main effects and interactions follow Box, Hunter and Hunter,
Statistics for Experimenters (2nd ed. 2005, chapter 5). Shapley values follow Shapley (1953, doi
10.1515/9781400881970-018). The value of an effect is the sum of weight times metric over the arms.
`studies.statistics.comparison` computes intervals for such contrasts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import comb

from studies.errors import StudyError

ComponentSet = frozenset[str]
Contrast = Mapping[ComponentSet, float]
"""Mapping from arm to weight, without the arms of weight 0."""


def compute_main_effect(components: Sequence[str], component: str) -> Contrast:
    """Return the mean of the arms with `component` minus the mean of the arms without it.

    The weights are ±1/2^(k-1) (Box, Hunter and Hunter).

    Raises:
        StudyError: `components` has duplicates, or lacks `component`.
    """
    _validate_components(components, component)
    weight = 1 / 2 ** (len(components) - 1)
    return {arm: weight if component in arm else -weight for arm in _list_arms(components)}


def compute_interaction(components: Sequence[str], first: str, second: str) -> Contrast:
    """Return half the difference between the effect of `first` with `second` on and with `second` off.

    The weight is +1/2^(k-1) for arms with both or neither component and -1/2^(k-1) for the other arms (Box,
    Hunter and Hunter). The result is symmetric in `first` and `second`.

    Raises:
        StudyError: `components` has duplicates, or `first` and `second` are not two of the components.
    """
    _validate_components(components, first, second)
    weight = 1 / 2 ** (len(components) - 1)
    return {arm: weight if (first in arm) == (second in arm) else -weight for arm in _list_arms(components)}


def compute_shapley_value(components: Sequence[str], component: str) -> Contrast:
    """Return the mean gain from adding `component`, over all k! orders of adding components (Shapley 1953).

    An arm S without `component` precedes it in |S|! (k - 1 - |S|)! of the orders. S with `component`
    therefore has weight 1/(k C(k-1, |S|)), and S without it has the negative of that weight. The values of
    all components sum to the full arm minus the empty arm.

    Raises:
        StudyError: `components` has duplicates, or lacks `component`.
    """
    _validate_components(components, component)
    component_count = len(components)
    weights: dict[ComponentSet, float] = {}
    for arm in _list_arms([other for other in components if other != component]):
        weight = 1 / (component_count * comb(component_count - 1, len(arm)))
        weights |= {arm: -weight, arm | {component}: weight}
    return weights


def compute_ordered_effect(order: Sequence[str], component: str) -> Contrast:
    """Return the gain from adding `component` to the arm of the components before it in `order`.

    This is one rung of a ladder, and one of the k! terms that `compute_shapley_value` averages.

    Raises:
        StudyError: `order` has duplicates, or lacks `component`.
    """
    _validate_components(order, component)
    before = frozenset(order[: order.index(component)])
    return {before: -1.0, before | {component}: 1.0}


def subtract_contrasts(a: Contrast, b: Contrast) -> Contrast:
    """Return the contrast that weighs each arm by its weight in `a` minus its weight in `b`."""
    weights = {arm: a.get(arm, 0.0) - b.get(arm, 0.0) for arm in {**a, **b}}
    return {arm: weight for arm, weight in weights.items() if weight}


def _list_arms(components: Sequence[str]) -> Iterator[ComponentSet]:
    """Yield all 2^k subsets of the components, smallest first."""
    for size in range(len(components) + 1):
        yield from map(frozenset, combinations(components, size))


def _validate_components(components: Sequence[str], *names: str) -> None:
    if len(set(components)) != len(components):
        raise StudyError(
            "factorial-components.duplicate", f"component names must be unique; got {', '.join(components)}"
        )
    if len(set(names)) != len(names) or not set(names) <= set(components):
        raise StudyError(
            "factorial-components.unknown",
            f"expected different names out of {', '.join(components)}; got {', '.join(names)}",
        )
