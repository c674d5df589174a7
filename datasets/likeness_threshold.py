"""From where on two images are more alike than the set's own: half of what is usual at the least.

Distances are taken between what cannot be the same: people, or clips of one person. Two of these keep apart
what the median image of the one keeps from the nearest of the other, the larger of the two ways round: a
single copied image brings all frames of its clip near, but only from one side, and two people who look alike
are alike in all of their images. Half of the lower quantile over all of them is the threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datasets.signature import Numbers, squares

MOST_PROBED = 2000
QUANTILE = 0.05
SHARE = 0.5


def between_groups(found: NDArray[np.float32], groups: Numbers, *, inside: Numbers) -> float:
    """The threshold from groups of images (-1: of none), each with its nearest other of the same `inside`.

    At most `MOST_PROBED` images, evenly chosen, look for their nearest one; 0 where no two groups compare.
    """
    probes = _evenly(np.flatnonzero((groups >= 0) & (inside >= 0)))
    names = np.unique(groups[probes])
    if len(names) < 2:
        return 0.0
    members = np.flatnonzero(np.isin(groups, names))
    members = members[np.argsort(groups[members], kind="stable")]
    starts = np.searchsorted(groups[members], names)
    closest = np.empty((len(probes), len(names)))
    for cut, block in squares(found, probes, others=members):
        closest[cut] = np.minimum.reduceat(block, starts, axis=1)
    one_way = np.stack(
        [np.quantile(closest[groups[probes] == name], 0.5, axis=0, method="higher") for name in names]
    )
    home = inside[members[starts]]
    comparable = (home[:, None] == home) & ~np.eye(len(names), dtype=bool)
    return _half_of_lowest(np.maximum(one_way, one_way.T).min(axis=1, where=comparable, initial=np.inf))


def between_classes(found: NDArray[np.float32], labels: Numbers) -> float:
    """The threshold where no person is told: from images, each with its nearest one of another class.

    The same person may show both classes, so this is on the safe side. 0 where there is one class.
    """
    every = np.arange(len(found))
    probes = _evenly(every)
    closest = np.full(len(probes), np.inf)
    for cut, block in squares(found, probes, others=every):
        other = labels[probes[cut]][:, None] != labels
        closest[cut] = block.min(axis=1, where=other, initial=np.inf)
    return _half_of_lowest(closest)


def _evenly(rows: Numbers) -> Numbers:
    """At most `MOST_PROBED` of the rows, evenly chosen."""
    return rows[np.unique(np.linspace(0, max(len(rows) - 1, 0), MOST_PROBED).astype(np.int64))[: len(rows)]]


def _half_of_lowest(found: NDArray[np.float64]) -> float:
    """Half of the lower quantile of distances given as squares, inf where there is none."""
    known = found[np.isfinite(found)]
    return SHARE * float(np.quantile(np.sqrt(known), QUANTILE)) if len(known) else 0.0
