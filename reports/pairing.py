"""Several arms on the same test units after the same trainings: what every comparison is computed from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from reports.outcomes import Outcome, SeedOutcome
from studies.results import Prediction
from studies.spec import TRAINING_VERSION, Metric
from studies.statistics.comparison import Comparisons, TrainingScores, compare, estimate
from studies.statistics.linearization import linearize
from studies.statistics.verdicts import MIN_TRAININGS, Estimate, estimate_of

Training = tuple[int, int]
"""A division and a training seed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Paired:
    """Arms of one protocol that have finished the same trainings, and how their metric is put together.

    `rows` are the arms, `trainings` the ids of the trainings that all of them have finished. `by_frame`
    counts frames in place of the protocol's unit of evaluation.
    """

    rows: tuple[Outcome, ...]
    trainings: tuple[Training, ...]
    metric: Metric
    by_frame: bool = False

    @cached_property
    def _seeds(self) -> list[list[SeedOutcome]]:
        by_id = [{seed.id: seed for seed in row.seeds} for row in self.rows]
        return [[found[training] for training in self.trainings] for found in by_id]

    def _tested(self, seed: SeedOutcome) -> tuple[Prediction, ...]:
        return seed.predictions if self.by_frame else seed.units

    @property
    def units(self) -> int:
        """Number of different test units."""
        return len({unit.id for seed in self._seeds[0] for unit in self._tested(seed)})

    @property
    def obstacle(self) -> str:
        """Why no verdict is possible, whatever the numbers; "" if nothing stands against one."""
        tested = (unit for seed in self._seeds[0] for unit in self._tested(seed))
        unnamed = {unit.id for unit in tested if not unit.subject}
        if unnamed:
            return f"{len(unnamed)} of {self.units} test units name no subject"
        runs = [run for row in self._seeds for seed in row for run in seed.runs]
        fixed = {run.spec.architecture.name for run in runs if run.fixed_weights}
        if fixed:
            return f"the weights of {', '.join(sorted(fixed))} do not vary between trainings"
        if any(run.spec.fold and run.training_version < TRAINING_VERSION for run in runs):
            return "the folds of these older runs start from the same weights; run the study again"
        return ""

    @cached_property
    def is_crossed(self) -> bool:
        """Whether each training is tested on all clusters; otherwise each fold is a training of its own."""
        return len(self._seeds[0][0].runs) == 1 or len({division for division, _ in self.trainings}) > 1

    @cached_property
    def clusters(self) -> tuple[str, ...]:
        """Subjects, or folds where each is a training of its own, in ascending order."""
        return tuple(sorted({name for seed in self._seeds[0] for name in self._cluster_of(seed).values()}))

    def _cluster_of(self, seed: SeedOutcome) -> Mapping[str, str]:
        return cluster_of(seed, by_fold=not self.is_crossed, by_frame=self.by_frame)

    @cached_property
    def is_conditional(self) -> bool:
        """Whether the trainings are too few to stand for others; each fold is one."""
        folds = len(self._seeds[0][0].runs)
        return self.is_crossed and folds * len(self.trainings) < MIN_TRAININGS

    @cached_property
    def _scores(self) -> TrainingScores:
        """The trainings as the statistics take them; averaged into one where they are too few."""
        divisions = list(dict.fromkeys(division for division, _ in self.trainings))
        seeds = len(self.trainings) // len(divisions)
        shape = (len(self.rows), len(divisions), seeds)
        values = np.empty(shape)
        contributions = np.zeros((*shape, len(self.clusters)))
        sizes = np.zeros(len(self.clusters))
        place = {name: number for number, name in enumerate(self.clusters)}
        for at, (division, _) in enumerate(self.trainings):
            members = [row[at] for row in self._seeds]
            clusters = self._cluster_of(members[0])
            tested = self._tested(members[0])
            order = [unit.id for unit in tested]
            columns = np.array([place[clusters[unit.id]] for unit in tested])
            value, part = linearize(
                self.metric,
                np.array([unit.truth for unit in tested]),
                np.array([_answers(self._tested(seed), order) for seed in members]),
                classes=len(members[0].runs[0].data.classes),
            )
            where = divisions.index(division), at % seeds
            values[:, *where] = value
            member = np.eye(len(self.clusters))[columns]
            contributions[:, *where] = part @ member
            sizes += member.sum(axis=0)
        if self.is_conditional:
            values = values.mean(axis=(1, 2), keepdims=True)
            contributions = contributions.mean(axis=(1, 2), keepdims=True)
        run = self._seeds[0][0].runs[0]
        return TrainingScores(
            values=values,
            contributions=contributions,
            sizes=sizes,
            test_to_train=sum(run.data.test) / max(1, sum(run.data.train)),
            fold_clusters=not self.is_crossed,
        )

    def value(self, weights: Mapping[str, float]) -> float:
        """A weighted sum of the arms' metrics, each the mean over the trainings."""
        means = self._scores.values.mean(axis=(1, 2))
        return float(
            sum(weights.get(row.arm.name, 0.0) * mean for row, mean in zip(self.rows, means, strict=True))
        )

    def compare(
        self, contrasts: Sequence[Mapping[str, float]], *, family: int = 0
    ) -> tuple[Estimate | None, ...]:
        """Estimate a family of weighted sums of arms by name; None with fewer than two clusters."""
        if len(self.clusters) < 2:
            return (None,) * len(contrasts)
        return self._estimates(compare(self._scores, self._matrix(contrasts), family=family))

    def estimate(self, weights: Mapping[str, float]) -> Estimate | None:
        """Estimate one weighted sum that is not compared with 0, such as one arm's accuracy."""
        if len(self.clusters) < 2:
            return None
        return self._estimates(estimate(self._scores, self._matrix([weights])))[0]

    def _matrix(self, contrasts: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        return np.array([[weights.get(row.arm.name, 0.0) for row in self.rows] for weights in contrasts])

    def _estimates(self, found: Comparisons) -> tuple[Estimate, ...]:
        return tuple(
            estimate_of(
                found,
                index,
                clusters=len(self.clusters),
                trainings=len(self.trainings),
                units=self.units,
                conditional=self.is_conditional,
                cluster_name="subjects" if self.is_crossed else "folds",
            )
            for index in range(len(found.estimate))
        )

    def wins_and_losses(self, before: str, after: str) -> tuple[int, int] | None:
        """Units that `after` alone, and that `before` alone, answered right; None over several trainings."""
        if len(self.trainings) != 1:
            return None
        names = [row.arm.name for row in self.rows]
        first, second = (dict(_right(self._seeds[names.index(name)][0])) for name in (before, after))
        return (
            sum(second[unit] and not first[unit] for unit in first),
            sum(first[unit] and not second[unit] for unit in first),
        )


def cluster_of(seed: SeedOutcome, *, by_fold: bool, by_frame: bool = False) -> Mapping[str, str]:
    """The cluster of each test unit: its fold or subject, or the unit itself where it names no subject."""
    tested = seed.predictions if by_frame else seed.units
    if not by_fold:
        return {unit.id: unit.subject or unit.id for unit in tested}
    fold_of = {p.clip or p.id: run.spec.fold for run in seed.runs for p in run.predictions}
    return {unit.id: f"fold {fold_of[unit.clip or unit.id]:06d}" for unit in tested}


def mean_over_units(
    trainings: Sequence[Mapping[str, float]], clusters: Mapping[str, str], *, by_fold: bool
) -> Estimate | None:
    """The mean of one number a test unit, each training's by unit, such as a gain that is paired already.

    None where there are fewer than two clusters.
    """
    names = sorted({clusters[unit] for values in trainings for unit in values})
    if len(names) < 2:
        return None
    place = {name: number for number, name in enumerate(names)}
    means = np.array([fmean(values.values()) for values in trainings])
    contributions, sizes = np.zeros((len(trainings), len(names))), np.zeros(len(names))
    for at, values in enumerate(trainings):
        for unit, value in values.items():
            contributions[at, place[clusters[unit]]] += (value - means[at]) / len(values)
            sizes[place[clusters[unit]]] += 1
    conditional = not by_fold and len(trainings) < MIN_TRAININGS
    if conditional:
        means, contributions = means.mean(keepdims=True), contributions.mean(axis=0, keepdims=True)
    found = compare(
        TrainingScores(
            values=means[None, None],
            contributions=contributions[None, None],
            sizes=sizes,
            fold_clusters=by_fold,
        ),
        np.ones((1, 1)),
    )
    return estimate_of(
        found,
        0,
        clusters=len(names),
        trainings=len(trainings),
        units=len({unit for values in trainings for unit in values}),
        conditional=conditional,
    )


def _answers(tested: Sequence[Prediction], order: Sequence[str]) -> NDArray[np.intp]:
    answers = {unit.id: unit.answer for unit in tested}
    return np.array([answers[unit] for unit in order])


def _right(seed: SeedOutcome) -> Iterable[tuple[str, bool]]:
    return ((unit.id, right) for unit, right in zip(seed.units, seed.right, strict=True))


def pair_up(rows: Sequence[Outcome], metric: Metric, *, by_frame: bool = False) -> Paired | None:
    """Pair the arms over the trainings that all of them have finished; None if there is no such training.

    With several divisions these are the most trainings that have the same seeds on each division.
    """
    if not rows or not all(row.seeds for row in rows):
        return None
    common = set.intersection(*({seed.id for seed in row.seeds} for row in rows))
    if not common:
        return None
    trainings = _balanced(common)
    return Paired(rows=tuple(rows), trainings=trainings, metric=metric, by_frame=by_frame)


def _balanced(common: Collection[Training]) -> tuple[Training, ...]:
    """The largest part of some trainings with the same seeds on every division it has."""
    finished = {division: {seed for d, seed in common if d == division} for division, _ in common}
    shared: set[frozenset[int]] = set()
    for seeds in finished.values():
        shared |= {frozenset(seeds), *(frozenset(seeds & other) for other in shared)}

    def part(seeds: frozenset[int]) -> tuple[Training, ...]:
        divisions = sorted(division for division, own in finished.items() if seeds <= own)
        return tuple((division, seed) for division in divisions for seed in sorted(seeds))

    return max(map(part, sorted(shared, key=sorted)), key=len)
