from math import sqrt

import pytest

from studies.results import Prediction
from studies.stability import (
    ClassChanges,
    compute_accuracy_std,
    count_class_changes,
    count_test_sets,
    rank_arms,
)


def _make_training(classes: str, *, first: int = 0) -> list[Prediction]:
    """Return one unit per digit, its predicted class; the numbers start at `first`, the true class is 0."""
    return [
        Prediction(
            id=f"u{first + n}",
            subject="a",
            clip="",
            truth=0,
            probabilities=tuple(float(c == int(predicted)) for c in range(3)),
        )
        for n, predicted in enumerate(classes)
    ]


def test_unit_changes_if_any_two_seeds_predict_different_classes() -> None:
    # By unit: 0 0 0, 0 1 1, 1 2 1 (always wrong, but it counts as a change), 2 2 2.
    trainings = [_make_training("0012"), _make_training("0122"), _make_training("0112")]

    changes = count_class_changes(trainings)

    assert changes == ClassChanges(units=4, changes=2)
    assert changes.share == 0.5


def test_changes_count_only_units_that_two_seeds_tested() -> None:
    # u0 and u1, then u1 and u2: only u1 is shared, and it changes.
    assert count_class_changes([_make_training("00"), _make_training("10", first=1)]) == ClassChanges(
        units=1, changes=1
    )
    assert count_class_changes([_make_training("00"), _make_training("00", first=2)]) is None
    assert count_class_changes([_make_training("00")]) is None
    assert count_class_changes([]) is None


def test_accuracy_std_of_seeds_with_equal_test_units() -> None:
    # Accuracies 1, 1/2 and 0: the mean is 1/2, the variance (1/4 + 0 + 1/4) / 2 = 1/4.
    assert compute_accuracy_std(
        [_make_training("00"), _make_training("01"), _make_training("11")]
    ) == pytest.approx(0.5)


def test_accuracy_std_pools_test_sets_and_leaves_out_single_trainings() -> None:
    # u0, u1: accuracies 1, 1/2, 0, variance 1/4 with 2 degrees of freedom.
    # u5 to u8: accuracies 1/4 and 3/4, variance 1/8 with 1. A single training on u9 adds no variance.
    trainings = [
        _make_training("00"),
        _make_training("01"),
        _make_training("11"),
        _make_training("0111", first=5),
        _make_training("0001", first=5),
        _make_training("1", first=9),
    ]

    assert count_test_sets(trainings) == 3
    assert compute_accuracy_std(trainings) == pytest.approx(sqrt((2 * 1 / 4 + 1 * 1 / 8) / 3))


def test_std_needs_two_seeds_on_equal_units() -> None:
    assert compute_accuracy_std([_make_training("01")]) is None
    assert compute_accuracy_std([_make_training("01"), _make_training("01", first=1)]) is None
    assert compute_accuracy_std([[], []]) is None


def test_ranks_by_round() -> None:
    # Correct answers: 3, 2, 2; then 1, 3, 0; then 3, 2, 2 again.
    rounds = [
        {"a": _make_training("000"), "b": _make_training("001"), "c": _make_training("010")},
        {"a": _make_training("011"), "b": _make_training("000"), "c": _make_training("111")},
        {"a": _make_training("000"), "b": _make_training("010"), "c": _make_training("100")},
    ]

    ranking = rank_arms(rounds)

    assert ranking is not None
    assert ranking.ranks == ((1.0, 2.5, 2.5), (2.0, 1.0, 3.0), (1.0, 2.5, 2.5))
    assert (ranking.num_rounds, ranking.num_distinct) == (3, 2)
    assert [ranking.compute_mean_rank(arm) for arm in "abc"] == pytest.approx([4 / 3, 2, 8 / 3])
    assert ranking.find_best_arms() == ("a",)
    assert [ranking.count_wins(arm) for arm in "abc"] == [2, 1, 0]


def test_arms_can_share_the_first_rank() -> None:
    rounds = [
        {"a": _make_training("00"), "b": _make_training("00"), "c": _make_training("01")},
        {"a": _make_training("01"), "b": _make_training("01"), "c": _make_training("11")},
    ]

    ranking = rank_arms(rounds)

    assert ranking is not None
    assert ranking.ranks == ((1.5, 1.5, 3.0), (1.5, 1.5, 3.0))
    assert ranking.find_best_arms() == ("a", "b")
    assert [ranking.count_wins(arm) for arm in "abc"] == [2, 2, 0]


def test_arms_are_ranked_by_common_units() -> None:
    # On the common unit u1, b is correct and a is wrong, although a has more correct predictions.
    rounds = [{"a": _make_training("0100"), "b": _make_training("0", first=1)}] * 2

    ranking = rank_arms(rounds)

    assert ranking is not None
    assert ranking.ranks == ((2, 1), (2, 1))


def test_ranking_needs_two_arms_and_two_rounds() -> None:
    arms = {"a": _make_training("00"), "b": _make_training("01")}
    disjoint = {"a": _make_training("00"), "b": _make_training("01", first=2)}

    assert rank_arms([arms]) is None
    assert rank_arms([arms, disjoint]) is None
    assert rank_arms([{"a": arms["a"]}] * 2) is None
    assert rank_arms([]) is None
