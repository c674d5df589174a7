"""From where on two images are more alike than the set's own: half of what is usual at the least.

Distances are taken between what cannot be the same: people, or clips of one person. Two of these keep apart
what the median image of the one keeps from the nearest of the other, the larger of the two ways round: a
single copied image brings all frames of its clip near, but only from one side, and two people who look alike
are alike in all of their images. Half of the lower quantile over all of them is the threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datasets.signature import IntArray, squared_distances

MAX_PROBES = 2000
QUANTILE = 0.05
THRESHOLD_FACTOR = 0.5


def compute_group_threshold(
    signatures: NDArray[np.float32], groups: IntArray, *, parent_groups: IntArray
) -> float:
    """The threshold from groups of images (-1: of none), each with its nearest other of the same `inside`.

    At most `MOST_PROBED` images, evenly chosen, look for their nearest one; 0 where no two groups compare.
    """
    probes = _subsample(np.flatnonzero((groups >= 0) & (parent_groups >= 0)))
    names = np.unique(groups[probes])
    if len(names) < 2:
        return 0.0
    members = np.flatnonzero(np.isin(groups, names))
    members = members[np.argsort(groups[members], kind="stable")]
    starts = np.searchsorted(groups[members], names)
    min_squares = np.empty((len(probes), len(names)))
    for chunk, block in squared_distances(signatures, probes, others=members):
        min_squares[chunk] = np.minimum.reduceat(block, starts, axis=1)
    directed_squares = np.stack(
        [np.quantile(min_squares[groups[probes] == name], 0.5, axis=0, method="higher") for name in names]
    )
    parents = parent_groups[members[starts]]
    comparable = (parents[:, None] == parents) & ~np.eye(len(names), dtype=bool)
    return _compute_threshold(
        np.maximum(directed_squares, directed_squares.T).min(axis=1, where=comparable, initial=np.inf)
    )


def compute_class_threshold(signatures: NDArray[np.float32], labels: IntArray) -> float:
    """The threshold where no person is told: from images, each with its nearest one of another class.

    The same person may show both classes, so this is on the safe side. 0 where there is one class.
    """
    all_rows = np.arange(len(signatures))
    probes = _subsample(all_rows)
    min_squares = np.full(len(probes), np.inf)
    for chunk, block in squared_distances(signatures, probes, others=all_rows):
        is_other_class = labels[probes[chunk]][:, None] != labels
        min_squares[chunk] = block.min(axis=1, where=is_other_class, initial=np.inf)
    return _compute_threshold(min_squares)


def _subsample(rows: IntArray) -> IntArray:
    """At most `MOST_PROBED` of the rows, evenly chosen."""
    return rows[np.unique(np.linspace(0, max(len(rows) - 1, 0), MAX_PROBES).astype(np.int64))[: len(rows)]]


def _compute_threshold(squares: NDArray[np.float64]) -> float:
    """Half of the lower quantile of distances given as squares, inf where there is none."""
    finite_squares = squares[np.isfinite(squares)]
    return (
        THRESHOLD_FACTOR * float(np.quantile(np.sqrt(finite_squares), QUANTILE))
        if len(finite_squares)
        else 0.0
    )
