"""Assign whole groups (clips, subjects) to the parts of a split, keeping class shares as even as possible.

Each split is the best of many candidates. The candidates come from a hash of the group names instead of a
random generator, so they are equal under every version of every library and for every order of the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from datasets.spec import SampleTable

if TYPE_CHECKING:  # the command line checks protocols before it loads numpy
    import numpy as np
    from numpy.typing import NDArray

    Counts = dict[str, NDArray[np.int64]]

NUM_CANDIDATES = 300
NUM_FOLD_CANDIDATES = 60
"""Candidates for the validation part of each fold; fewer, because loso can have 118 folds."""


def shuffle_by_hash(names: Iterable[str], key: str) -> list[str]:
    """Return the names in a pseudorandom order that depends only on the names and `key`."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{key} {name}".encode()).digest())


def count_by_group(table: SampleTable, groups: Sequence[str]) -> Counts:
    """Count the samples of each class in each group; `groups` names the group of every sample."""
    import numpy as np

    counts = {name: np.zeros(len(table.classes), dtype=np.int64) for name in groups}
    for sample, group in zip(table.samples, groups, strict=True):
        counts[group][sample.label] += 1
    return counts


def train_val_test_groups(counts: Counts, key: str) -> tuple[list[str], list[str], list[str]]:
    """Split three or more groups 7:2:1 into training, validation and test, each with at least one group."""
    names = list(counts)
    num_val = max(1, 2 * len(names) // 10)
    num_train = min(7 * len(names) // 10, len(names) - num_val - 1)
    slices = (slice(num_train), slice(num_train, num_train + num_val), slice(num_train + num_val, None))
    train_groups, val_groups, test_groups = _select_best_split(
        counts, key, slices=slices, part_priority=(0, 2, 1)
    )
    return train_groups, val_groups, test_groups


def train_val_groups(counts: Counts, key: str) -> tuple[list[str], list[str]]:
    """Split the groups outside a test fold 7:2 into training and validation, each with at least one group."""
    num_train = min(max(1, len(counts) - 2 * len(counts) // 9), len(counts) - 1)
    slices = (slice(num_train), slice(num_train, None))
    train_groups, val_groups = _select_best_split(
        counts, key, slices=slices, part_priority=(0, 1), num_candidates=NUM_FOLD_CANDIDATES
    )
    return train_groups, val_groups


def fold_groups(counts: Counts, key: str, *, folds: int) -> list[list[str]]:
    """Split the groups into `folds` test folds; each group is in one, and sizes differ by at most one."""
    slices = tuple(slice(fold, None, folds) for fold in range(folds))
    return _select_best_split(counts, key, slices=slices, part_priority=())


def _select_best_split(
    counts: Counts,
    key: str,
    *,
    slices: tuple[slice, ...],
    part_priority: tuple[int, ...],
    num_candidates: int = NUM_CANDIDATES,
) -> list[list[str]]:
    """Return the split with the lowest `_imbalance_score` among `num_candidates` shuffles cut by `slices`."""
    import numpy as np

    orders = (shuffle_by_hash(counts, f"{key} {index}") for index in range(num_candidates))

    def imbalance_score(order: list[str]) -> tuple[float, ...]:
        rows = np.array([counts[name] for name in order])
        return _imbalance_score(
            np.array([rows[part_slice].sum(axis=0) for part_slice in slices]), part_priority
        )

    order = min(orders, key=imbalance_score)
    return [order[part_slice] for part_slice in slices]


def _imbalance_score(counts: NDArray[np.int64], part_priority: tuple[int, ...]) -> tuple[float, ...]:
    """Return the imbalance of a split from its (parts, classes) counts, as a tuple; lower is better.

    With `part_priority`, the first terms are the numbers of classes absent from each of these parts. Without
    it, the first term is the number of classes that occur in one part only: they are absent from training
    when that part is the test. The last term is the deviation of the parts' class shares from those of the
    whole table.
    """
    import numpy as np

    total = counts.sum(axis=0)
    if part_priority:
        absent_counts = [float(((counts[part] == 0) & (total > 0)).sum()) for part in part_priority]
    else:
        absent_counts = [float(((counts == total) & (total > 0)).sum())]
    shares = counts / counts.sum(axis=1, keepdims=True)
    deviation = np.abs(shares - total / total.sum()).sum()
    # Rounding makes equally good candidates tie on every machine; the first one then wins.
    return *absent_counts, round(float(deviation), 9)
