"""Speed and smoothness of a run's convergence, from its validation curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from studies.results import Epoch

CONVERGENCE_SHARE = 0.95
"""Share of the best validation accuracy at which a run counts as converged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """Speed and smoothness of one run.

    `epochs` is the number of epochs until 95 % of the best validation accuracy. `roughness` is the mean drop
    of the validation accuracy from one epoch to the next, as a share; a rise counts as 0.
    """

    epochs: int
    roughness: float


def compute_convergence(history: Sequence[Epoch]) -> Convergence:
    """Compute the convergence of one run from its history of at least one epoch."""
    curve = [epoch.validation_accuracy for epoch in history]
    epochs = next(n for n, value in enumerate(curve, start=1) if value >= CONVERGENCE_SHARE * max(curve))
    drops = [max(0.0, before - after) for before, after in pairwise(curve)]
    return Convergence(epochs=epochs, roughness=fmean(drops) if drops else 0.0)
