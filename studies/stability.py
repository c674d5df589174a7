"""The effect of the training seed on predicted classes, accuracy and the ranking of the arms.

Two trainings are compared only on test units, by id, that both of them tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

from studies.results import Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChanges:
    """Number of units tested by several trainings, and of those with more than one predicted class."""

    units: int
    changes: int

    @property
    def share(self) -> float:
        """The share of units whose predicted class changes, in 0..1."""
        return self.changes / self.units


def count_class_changes(trainings: Sequence[Sequence[Prediction]]) -> ClassChanges | None:
    """Count the units whose predicted class changes between trainings.

    Return None if no two trainings tested the same unit.
    """
    classes: dict[str, list[int]] = {}
    for predictions in trainings:
        for unit in predictions:
            classes.setdefault(unit.id, []).append(unit.predicted_class)
    groups = [values for values in classes.values() if len(values) > 1]
    if not groups:
        return None
    return ClassChanges(units=len(groups), changes=sum(len(set(values)) > 1 for values in groups))


def count_test_sets(trainings: Sequence[Sequence[Prediction]]) -> int:
    """Return the number of different sets of test units."""
    return len({frozenset(unit.id for unit in predictions) for predictions in trainings})


def compute_accuracy_std(trainings: Sequence[Sequence[Prediction]]) -> float | None:
    """Return the sample standard deviation of accuracy (0..1) over trainings with the same test units.

    With several such test sets, their variances are pooled by degrees of freedom. Return None if no two
    trainings have the same test units.
    """
    test_sets: dict[frozenset[str], list[float]] = {}
    for predictions in trainings:
        if predictions:
            accuracy = fmean([unit.predicted_class == unit.truth for unit in predictions])
            test_sets.setdefault(frozenset(unit.id for unit in predictions), []).append(accuracy)
    groups = [values for values in test_sets.values() if len(values) > 1]
    if not groups:
        return None
    sum_of_squares = sum((len(values) - 1) * variance(values) for values in groups)
    return sqrt(sum_of_squares / sum(len(values) - 1 for values in groups))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rankings:
    """The ranks of the arms by accuracy in every round, shape (rounds, arms); rank 1 is the highest accuracy.

    A round is one training of every arm with the same seed and the same split. Arms with equal accuracy share
    the mean of their ranks.
    """

    arms: tuple[str, ...]
    ranks: tuple[tuple[float, ...], ...]

    @property
    def num_rounds(self) -> int:
        """Number of rounds."""
        return len(self.ranks)

    @property
    def num_distinct(self) -> int:
        """Number of different rankings among the rounds."""
        return len(set(self.ranks))

    def find_best_arms(self) -> tuple[str, ...]:
        """Return the arm with the lowest mean rank, or all arms that share it."""
        means = [self.compute_mean_rank(arm) for arm in self.arms]
        return tuple(arm for arm, mean in zip(self.arms, means, strict=True) if mean == min(means))

    def compute_mean_rank(self, arm: str) -> float:
        """Return the mean rank of an arm over the rounds."""
        return fmean(row[self.arms.index(arm)] for row in self.ranks)

    def count_wins(self, arm: str) -> int:
        """Return the number of rounds in which no other arm has a higher accuracy."""
        return sum(row[self.arms.index(arm)] == min(row) for row in self.ranks)


def rank_arms(rounds: Sequence[Mapping[str, Sequence[Prediction]]]) -> Rankings | None:
    """Rank the arms in every round. Return None with fewer than two arms or fewer than two rounds.

    Each round maps the name of each arm to its test units; every round has the same arms. The accuracy in a
    round is taken over the units that all arms tested. A round without such units is left out.
    """
    arms = tuple(rounds[0]) if rounds else ()
    ranks = tuple(row for row in (_rank_round([units[arm] for arm in arms]) for units in rounds) if row)
    return Rankings(arms=arms, ranks=ranks) if len(arms) > 1 and len(ranks) > 1 else None


def _rank_round(arm_predictions: Sequence[Sequence[Prediction]]) -> tuple[float, ...]:
    """Return the rank of each arm; () if the arms share no unit."""
    ids = set.intersection(*({unit.id for unit in predictions} for predictions in arm_predictions))
    if not ids:
        return ()
    correct = [
        sum(unit.predicted_class == unit.truth for unit in predictions if unit.id in ids)
        for predictions in arm_predictions
    ]
    return tuple(
        1 + sum(other > count for other in correct) + (correct.count(count) - 1) / 2 for count in correct
    )
