"""Derive the distance below which two images count as near-duplicates from the data set itself.

The threshold comes from groups that cannot share an image: subjects, or clips of one subject. The distance
from group A to group B is the median, over the images of A, of the distance to the nearest image of B. The
distance between A and B is the larger of the two directions: one copied image brings all frames of its clip
near, but in one direction only, while two people who look alike do so in all of their images. The threshold
is `THRESHOLD_FACTOR` times the lower quantile (`QUANTILE`) of each group's distance to its nearest group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datasets.leakage.signature import IntArray, squared_distances

MAX_PROBES = 2000
QUANTILE = 0.05
THRESHOLD_FACTOR = 0.5


def compute_group_threshold(
    signatures: NDArray[np.float32], groups: IntArray, *, parent_groups: IntArray
) -> float:
    """Return the threshold from groups of images, each compared with the groups of the same parent group.

    Group -1 means no group. At most `MAX_PROBES` images, evenly spaced, search their nearest images. The
    result is 0 if no two groups can be compared.
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
    """Return the threshold without known subjects: from images, each with its nearest image of another class.

    One person may show both classes, so this threshold is conservative. It is 0 if there is only one class.
    """
    all_rows = np.arange(len(signatures))
    probes = _subsample(all_rows)
    min_squares = np.full(len(probes), np.inf)
    for chunk, block in squared_distances(signatures, probes, others=all_rows):
        is_other_class = labels[probes[chunk]][:, None] != labels
        min_squares[chunk] = block.min(axis=1, where=is_other_class, initial=np.inf)
    return _compute_threshold(min_squares)


def _subsample(rows: IntArray) -> IntArray:
    """Return at most `MAX_PROBES` of the rows, evenly spaced."""
    return rows[np.unique(np.linspace(0, max(len(rows) - 1, 0), MAX_PROBES).astype(np.int64))[: len(rows)]]


def _compute_threshold(squares: NDArray[np.float64]) -> float:
    """Return the threshold from squared distances, ignoring inf; 0 if no distance is finite."""
    finite_squares = squares[np.isfinite(squares)]
    return (
        THRESHOLD_FACTOR * float(np.quantile(np.sqrt(finite_squares), QUANTILE))
        if len(finite_squares)
        else 0.0
    )
