"""How fast and how smoothly a run converged, from its validation curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from studies.results import Epoch

CONVERGENCE_SHARE = 0.95
"""Of the best validation accuracy, what counts as having arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """`epochs` until 95 % of the best validation accuracy; `roughness`: mean fall of a step, a share.

    A step that rises is no roughness: a curve that only ever rises has 0.
    """

    epochs: int
    roughness: float


def compute_convergence(history: Sequence[Epoch]) -> Convergence:
    """Of one run's epochs, at least one."""
    curve = [epoch.validation_accuracy for epoch in history]
    epochs = next(n for n, value in enumerate(curve, start=1) if value >= CONVERGENCE_SHARE * max(curve))
    drops = [max(0.0, before - after) for before, after in pairwise(curve)]
    return Convergence(epochs=epochs, roughness=fmean(drops) if drops else 0.0)
