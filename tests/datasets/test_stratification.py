import random
from collections.abc import Callable
from itertools import chain

import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.spec import SampleTable
from datasets.stratification import (
    count_by_group,
    fold_groups,
    shuffle_by_hash,
    train_val_groups,
    train_val_test_groups,
)


def groups(*counts: NDArray[np.int64] | tuple[int, ...], prefix: str = "g") -> dict[str, NDArray[np.int64]]:
    """Return the counts of each class by group (g0, g1, ...)."""
    return {f"{prefix}{n}": np.array(row, dtype=np.int64) for n, row in enumerate(counts)}


def classes_in(counts: dict[str, NDArray[np.int64]], names: list[str]) -> set[np.int64]:
    return set(np.flatnonzero(sum(counts[name] for name in names)))


def test_order_depends_only_on_names_and_key() -> None:
    names = [f"s{n:02}" for n in range(20)]
    order = shuffle_by_hash(names, "a")
    assert sorted(order) == names
    assert order != names
    assert shuffle_by_hash(reversed(names), "a") == order
    assert shuffle_by_hash(names, "b") != order
    # Two groups keep their order whichever other groups exist; a random generator does not guarantee this.
    assert shuffle_by_hash(names[:10], "a") == [name for name in order if name in names[:10]]
    # Every later version must reproduce the splits of stored results.
    assert shuffle_by_hash("abcde", "seed 0") == ["d", "a", "c", "b", "e"]


def test_counts_are_by_class_and_group(table_of: Callable[..., SampleTable]) -> None:
    table = table_of([("anger", "s1", "a", 2), ("joy", "s1", "b", 3), ("joy", "s2", "a", 1)])
    by_subject = count_by_group(table, [sample.subject for sample in table.samples])
    assert {name: row.tolist() for name, row in by_subject.items()} == {"s1": [2, 3], "s2": [0, 1]}
    with pytest.raises(ValueError, match="shorter"):
        count_by_group(table, ["s1"])


@pytest.mark.parametrize(
    ("count", "sizes"), [(3, (1, 1, 1)), (5, (3, 1, 1)), (10, (7, 2, 1)), (19, (13, 3, 3)), (26, (18, 5, 3))]
)
def test_three_parts_divide_groups_seven_to_two_to_one(count: int, sizes: tuple[int, int, int]) -> None:
    counts = groups(*[(2, 1)] * count)
    parts = train_val_test_groups(counts, "k")
    assert tuple(map(len, parts)) == sizes
    assert sorted(chain(*parts)) == sorted(counts)


@pytest.mark.parametrize(("count", "sizes"), [(2, (1, 1)), (4, (3, 1)), (9, (7, 2)), (25, (20, 5))])
def test_two_parts_divide_groups_seven_to_two(count: int, sizes: tuple[int, int]) -> None:
    counts = groups(*[(2, 1)] * count)
    parts = train_val_groups(counts, "k")
    assert tuple(map(len, parts)) == sizes
    assert sorted(chain(*parts)) == sorted(counts)


@pytest.mark.parametrize(("count", "folds"), [(6, 3), (7, 3), (10, 10), (11, 4)])
def test_folds_divide_groups_and_differ_by_one_or_less(count: int, folds: int) -> None:
    counts = groups(*[(2, 1)] * count)
    parts = fold_groups(counts, "k", folds=folds)
    assert len(parts) == folds
    assert sorted(chain(*parts)) == sorted(counts)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_class_of_few_groups_is_in_training_then_test_then_validation(key: str) -> None:
    one = groups(*[(4, 0)] * 9, (4, 1))
    train, validation, test = train_val_test_groups(one, key)
    assert [classes_in(one, part) for part in (train, validation, test)] == [{0, 1}, {0}, {0}]
    two = groups(*[(4, 0)] * 8, (4, 1), (4, 1))
    train, validation, test = train_val_test_groups(two, key)
    assert [classes_in(two, part) for part in (train, validation, test)] == [{0, 1}, {0}, {0, 1}]
    three = groups(*[(4, 0)] * 7, *[(4, 1)] * 3)
    assert [classes_in(three, part) for part in train_val_test_groups(three, key)] == [{0, 1}] * 3


@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_class_too_small_for_validation_is_in_training(key: str) -> None:
    counts = groups(*[(4, 0)] * 8, (0, 1))
    train, validation = train_val_groups(counts, key)
    assert classes_in(counts, train) == {0, 1}
    assert classes_in(counts, validation) == {0}


@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_classes_are_shared_between_folds_if_possible(key: str) -> None:
    counts = groups(*[(4, 0)] * 10, (4, 1), (4, 1))
    folds = fold_groups(counts, key, folds=2)
    assert [classes_in(counts, fold) for fold in folds] == [{0, 1}, {0, 1}]
    # Here the most balanced split gives the third class to one fold.
    counts = groups((4, 5, 1), (1, 4, 0), (3, 3, 1), (6, 4, 0))
    assert [classes_in(counts, fold) for fold in fold_groups(counts, key, folds=2)] == [{0, 1, 2}] * 2


@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_division_with_even_shares_is_selected(key: str) -> None:
    # Only pairs of a 9:1 group and a 1:9 group have the class shares of the whole table.
    counts = groups((9, 1), (9, 1), (9, 1), (1, 9), (1, 9), (1, 9))
    for fold in fold_groups(counts, key, folds=3):
        assert np.sum([counts[name] for name in fold], axis=0).tolist() == [10, 10]


def test_division_depends_on_the_key_and_not_on_order() -> None:
    draw = np.random.default_rng(0)
    counts = groups(*draw.integers(0, 9, size=(15, 4)))
    names = random.Random(1).sample(sorted(counts), len(counts))
    again = {name: counts[name] for name in names}
    assert train_val_test_groups(again, "k") == train_val_test_groups(counts, "k")
    assert train_val_groups(again, "k") == train_val_groups(counts, "k")
    assert fold_groups(again, "k", folds=4) == fold_groups(counts, "k", folds=4)
    assert train_val_test_groups(counts, "another") != train_val_test_groups(counts, "k")
