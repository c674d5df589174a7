"""The same test samples answered by several arms: what every comparison between arms is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from reports.outcomes import Outcome
from studies.clusters import Interval, mean_over_clusters


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Whether each arm answered each sample right, over the seeds that all of these arms have finished.

    `correct` (arms, samples) is the share of the seeds, of those in which the sample was tested, with the
    right answer: seeds are averaged per sample before anything else. `subjects` (samples,) are the clusters;
    where no subject is told a clip stands for it, and where no clip is told either all are one, so that there
    is no interval. `seeds` is how many went in.
    """

    arms: tuple[str, ...]
    correct: NDArray[np.float64]
    subjects: NDArray[np.str_]
    seeds: int

    def contrast(self, weights: Mapping[str, float]) -> Interval:
        """The mean over the samples of a weighted sum of the arms, with its interval over the subjects."""
        row = np.array([weights.get(arm, 0.0) for arm in self.arms])
        return mean_over_clusters(row @ self.correct, self.subjects)

    def won_and_lost(self, before: str, after: str) -> tuple[int, int] | None:
        """Samples that `after` alone, and that `before` alone, answered right; None over several seeds."""
        if self.seeds != 1:
            return None
        first, second = (self.correct[self.arms.index(arm)] for arm in (before, after))
        return int((second > first).sum()), int((second < first).sum())


def answers(rows: Sequence[Outcome]) -> Answers | None:
    """What `rows`, arms under one protocol, answered; None if they have no seed in common."""
    by_seed = [{seed.seed: seed for seed in row.seeds} for row in rows]
    common = sorted(set.intersection(*(set(found) for found in by_seed))) if by_seed else []
    if not common:
        return None
    subject_of: dict[str, str] = {}
    shared: list[dict[str, list[bool]]] = []
    for found in by_seed:
        shares: dict[str, list[bool]] = {}
        for seed in common:
            for unit, right in zip(found[seed].units, found[seed].right, strict=True):
                shares.setdefault(unit.id, []).append(right)
                subject_of[unit.id] = unit.subject or unit.clip
        shared.append(shares)
    units = sorted(subject_of)
    return Answers(
        arms=tuple(row.arm.name for row in rows),
        correct=np.array([[fmean(shares[unit]) for unit in units] for shares in shared]),
        subjects=np.array([subject_of[unit] for unit in units]),
        seeds=len(common),
    )
