"""Whole groups (clips, subjects) into parts of a split, so that class shares come out as even as they can.

Every division is the best of many drawn ones. The draws come from a hash of the names and not from a
generator: they are the same under every version of every library, and do not depend on the table's order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from datasets.spec import SampleTable

DRAWS = 300
FOLD_DRAWS = 60
"""For the validation part of each of many folds: leaving out one of 118 subjects means 118 of them."""

Counts = dict[str, NDArray[np.int64]]


def shuffled(names: Iterable[str], key: str) -> list[str]:
    """The names in an order that depends on them and on `key` alone."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{key} {name}".encode()).digest())


def counts_of(table: SampleTable, groups: Sequence[str]) -> Counts:
    """Samples of each class in each group; `groups` names the group of every sample."""
    counts = {name: np.zeros(len(table.classes), dtype=np.int64) for name in groups}
    for sample, group in zip(table.samples, groups, strict=True):
        counts[group][sample.label] += 1
    return counts


def in_three(counts: Counts, key: str) -> tuple[list[str], list[str], list[str]]:
    """Training, validation and test groups, 7:2:1; each has at least one of the three or more given."""
    names = list(counts)
    validation = max(1, 2 * len(names) // 10)
    train = min(7 * len(names) // 10, len(names) - validation - 1)
    cuts = (slice(train), slice(train, train + validation), slice(train + validation, None))
    first, second, third = _best(counts, key, cuts=cuts, worst_first=(0, 2, 1))
    return first, second, third


def in_two(counts: Counts, key: str) -> tuple[list[str], list[str]]:
    """Training and validation groups, 7:2, of what a test fold has left; at least one each."""
    train = min(max(1, len(counts) - 2 * len(counts) // 9), len(counts) - 1)
    cuts = (slice(train), slice(train, None))
    first, second = _best(counts, key, cuts=cuts, worst_first=(0, 1), draws=FOLD_DRAWS)
    return first, second


def in_folds(counts: Counts, key: str, *, folds: int) -> list[list[str]]:
    """`folds` test folds over the groups: every group in one, and the folds' sizes differ by at most one."""
    cuts = tuple(slice(fold, None, folds) for fold in range(folds))
    return _best(counts, key, cuts=cuts, worst_first=())


def _best(
    counts: Counts, key: str, *, cuts: tuple[slice, ...], worst_first: tuple[int, ...], draws: int = DRAWS
) -> list[list[str]]:
    """The least bad of `draws` divisions of the shuffled names by `cuts`: see `_badness`."""
    orders = (shuffled(counts, f"{key} {draw}") for draw in range(draws))

    def badness(order: list[str]) -> tuple[float, ...]:
        rows = np.array([counts[name] for name in order])
        return _badness(np.array([rows[cut].sum(axis=0) for cut in cuts]), worst_first)

    order = min(orders, key=badness)
    return [order[cut] for cut in cuts]


def _badness(counts: NDArray[np.int64], worst_first: tuple[int, ...]) -> tuple[float, ...]:
    """How bad a division is, from its (parts, classes) counts; compared in this order.

    Classes lost from each part of `worst_first`, or else classes that one part has to itself, which would
    be lost from its training; then how far the parts' class shares are from the whole table's.
    """
    total = counts.sum(axis=0)
    if worst_first:
        lost = [float(((counts[part] == 0) & (total > 0)).sum()) for part in worst_first]
    else:
        lost = [float(((counts == total) & (total > 0)).sum())]
    shares = counts / counts.sum(axis=1, keepdims=True)
    deviation = np.abs(shares - total / total.sum()).sum()
    # Rounded, so that equally good divisions are equal on every machine, and the first drawn is taken.
    return *lost, round(float(deviation), 9)
