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

NUM_CANDIDATES = 300
NUM_FOLD_CANDIDATES = 60
"""For the validation part of each of many folds: leaving out one of 118 subjects means 118 of them."""

Counts = dict[str, NDArray[np.int64]]


def shuffle_by_hash(names: Iterable[str], key: str) -> list[str]:
    """The names in an order that depends on them and on `key` alone."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{key} {name}".encode()).digest())


def count_by_group(table: SampleTable, groups: Sequence[str]) -> Counts:
    """Samples of each class in each group; `groups` names the group of every sample."""
    counts = {name: np.zeros(len(table.classes), dtype=np.int64) for name in groups}
    for sample, group in zip(table.samples, groups, strict=True):
        counts[group][sample.label] += 1
    return counts


def train_val_test_groups(counts: Counts, key: str) -> tuple[list[str], list[str], list[str]]:
    """Training, validation and test groups, 7:2:1; each has at least one of the three or more given."""
    names = list(counts)
    num_val = max(1, 2 * len(names) // 10)
    num_train = min(7 * len(names) // 10, len(names) - num_val - 1)
    slices = (slice(num_train), slice(num_train, num_train + num_val), slice(num_train + num_val, None))
    train_groups, val_groups, test_groups = _select_best_division(
        counts, key, slices=slices, part_priority=(0, 2, 1)
    )
    return train_groups, val_groups, test_groups


def train_val_groups(counts: Counts, key: str) -> tuple[list[str], list[str]]:
    """Training and validation groups, 7:2, of what a test fold has left; at least one each."""
    num_train = min(max(1, len(counts) - 2 * len(counts) // 9), len(counts) - 1)
    slices = (slice(num_train), slice(num_train, None))
    train_groups, val_groups = _select_best_division(
        counts, key, slices=slices, part_priority=(0, 1), num_candidates=NUM_FOLD_CANDIDATES
    )
    return train_groups, val_groups


def fold_groups(counts: Counts, key: str, *, folds: int) -> list[list[str]]:
    """`folds` test folds over the groups: every group in one, and the folds' sizes differ by at most one."""
    slices = tuple(slice(fold, None, folds) for fold in range(folds))
    return _select_best_division(counts, key, slices=slices, part_priority=())


def _select_best_division(
    counts: Counts,
    key: str,
    *,
    slices: tuple[slice, ...],
    part_priority: tuple[int, ...],
    num_candidates: int = NUM_CANDIDATES,
) -> list[list[str]]:
    """The least bad of `draws` divisions of the shuffled names by `cuts`: see `_badness`."""
    orders = (shuffle_by_hash(counts, f"{key} {index}") for index in range(num_candidates))

    def imbalance_score(order: list[str]) -> tuple[float, ...]:
        rows = np.array([counts[name] for name in order])
        return _imbalance_score(
            np.array([rows[part_slice].sum(axis=0) for part_slice in slices]), part_priority
        )

    order = min(orders, key=imbalance_score)
    return [order[part_slice] for part_slice in slices]


def _imbalance_score(counts: NDArray[np.int64], part_priority: tuple[int, ...]) -> tuple[float, ...]:
    """How bad a division is, from its (parts, classes) counts; compared in this order.

    Classes lost from each part of `worst_first`, or else classes that one part has to itself, which would
    be lost from its training; then how far the parts' class shares are from the whole table's.
    """
    total = counts.sum(axis=0)
    if part_priority:
        absent_counts = [float(((counts[part] == 0) & (total > 0)).sum()) for part in part_priority]
    else:
        absent_counts = [float(((counts == total) & (total > 0)).sum())]
    shares = counts / counts.sum(axis=1, keepdims=True)
    deviation = np.abs(shares - total / total.sum()).sum()
    # Rounded, so that equally good divisions are equal on every machine, and the first drawn is taken.
    return *absent_counts, round(float(deviation), 9)
