from collections.abc import Callable
from itertools import combinations, permutations
from statistics import mean

import numpy as np
import pytest

from studies.statistics.factorial import (
    ComponentSet,
    Contrast,
    compute_interaction,
    compute_main_effect,
    compute_ordered_effect,
    compute_shapley_value,
    subtract_contrasts,
)
from tests.error_codes import raises_code

PARTS = ("attention", "residual", "separable", "prelu")
ARMS = [frozenset(subset) for size in range(5) for subset in combinations(PARTS, size)]


def _value(contrast: Contrast, accuracy: dict[ComponentSet, float]) -> float:
    return sum(weight * accuracy[arm] for arm, weight in contrast.items())


def _any_accuracy() -> dict[ComponentSet, float]:
    return dict(zip(ARMS, np.random.default_rng(0).random(len(ARMS)), strict=True))


def _hand_computed() -> dict[ComponentSet, float]:
    """Return accuracies with two components: a adds 10, b adds 2, and both together add 6 more."""
    a, b = frozenset({"a"}), frozenset({"b"})
    return {frozenset(): 50.0, a: 60.0, b: 52.0, a | b: 68.0}


def test_worked_example() -> None:
    values, parts = _hand_computed(), ("a", "b")

    assert _value(compute_main_effect(parts, "a"), values) == pytest.approx((10 + 16) / 2)
    assert _value(compute_main_effect(parts, "b"), values) == pytest.approx((2 + 8) / 2)
    assert _value(compute_interaction(parts, "a", "b"), values) == pytest.approx((16 - 10) / 2)
    assert _value(compute_shapley_value(parts, "a"), values) == pytest.approx(10 + 6 / 2)
    assert _value(compute_ordered_effect(("b", "a"), "a"), values) == pytest.approx(16)
    assert _value(
        subtract_contrasts(compute_ordered_effect(("b", "a"), "a"), compute_shapley_value(parts, "a")), values
    ) == pytest.approx(3)


@pytest.mark.parametrize("part", PARTS)
def test_shapley_value_is_the_mean_of_all_orders(part: str) -> None:
    accuracy = _any_accuracy()
    rungs = [_value(compute_ordered_effect(order, part), accuracy) for order in permutations(PARTS)]

    assert len(set(rungs)) == 8
    assert _value(compute_shapley_value(PARTS, part), accuracy) == pytest.approx(mean(rungs))


def test_shapley_values_sum_to_the_total() -> None:
    accuracy = _any_accuracy()
    total = accuracy[frozenset(PARTS)] - accuracy[frozenset()]

    assert sum(_value(compute_shapley_value(PARTS, part), accuracy) for part in PARTS) == pytest.approx(total)


def test_effects_of_an_order_sum_to_the_total() -> None:
    rungs: dict[ComponentSet, float] = {}
    for part in PARTS:
        rungs = dict(subtract_contrasts(rungs, subtract_contrasts({}, compute_ordered_effect(PARTS, part))))

    assert rungs == {frozenset(): -1, frozenset(PARTS): 1}


@pytest.mark.parametrize("part", PARTS)
def test_additive_components_have_equal_effects(part: str) -> None:
    effects = dict(zip(PARTS, (0.03, -0.01, 0.002, 0.05), strict=True))
    accuracy = {arm: 0.6 + sum(effects[name] for name in arm) for arm in ARMS}
    others = [other for other in PARTS if other != part]

    for contrast in (
        compute_main_effect(PARTS, part),
        compute_shapley_value(PARTS, part),
        compute_ordered_effect(PARTS, part),
    ):
        assert _value(contrast, accuracy) == pytest.approx(effects[part])
    for other in others:
        assert _value(compute_interaction(PARTS, part, other), accuracy) == pytest.approx(0)


@pytest.mark.parametrize(("first", "second"), list(permutations(PARTS, 2)))
def test_interaction_is_half_the_change_of_an_effect(first: str, second: str) -> None:
    accuracy = _any_accuracy()

    def effect(*, on: bool) -> float:
        arms = [arm for arm in ARMS if (second in arm) == on]
        return mean(accuracy[arm] for arm in arms if first in arm) - mean(
            accuracy[arm] for arm in arms if first not in arm
        )

    expected = (effect(on=True) - effect(on=False)) / 2
    assert _value(compute_interaction(PARTS, first, second), accuracy) == pytest.approx(expected)


def test_main_effect_is_the_mean_with_less_the_mean_without() -> None:
    accuracy = _any_accuracy()
    on = mean(value for arm, value in accuracy.items() if "prelu" in arm)
    off = mean(value for arm, value in accuracy.items() if "prelu" not in arm)

    assert _value(compute_main_effect(PARTS, "prelu"), accuracy) == pytest.approx(on - off)


def test_subtraction_drops_zero_weights() -> None:
    both, one = frozenset({"a", "b"}), frozenset({"a"})

    assert subtract_contrasts({both: 1.0, one: -1.0}, {both: 1.0}) == {one: -1.0}
    assert subtract_contrasts({}, {both: 0.5}) == {both: -0.5}


@pytest.mark.parametrize(
    ("build", "rule", "value"),
    [
        (lambda: compute_main_effect(PARTS, "dropout"), "unknown", "dropout"),
        (lambda: compute_shapley_value(("a", "a"), "a"), "duplicate", "a, a"),
        (lambda: compute_ordered_effect(PARTS, "dropout"), "unknown", "dropout"),
        (lambda: compute_interaction(PARTS, "prelu", "prelu"), "unknown", "prelu, prelu"),
    ],
)
def test_unknown_components_are_refused(build: Callable[[], Contrast], rule: str, value: str) -> None:
    with raises_code(f"factorial-components.{rule}", value):
        build()
