"""Arms paired by training and test unit, on which every comparison is computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from reports.outcomes import Outcome, TrainingOutcome
from studies.results import Prediction
from studies.spec import TRAINING_VERSION, Metric
from studies.statistics.comparison import (
    ContrastResults,
    TrainingScores,
    compare_contrasts,
    estimate_contrasts,
)
from studies.statistics.linearization import linearize
from studies.statistics.verdicts import MIN_TRAININGS, Estimate, build_estimate

TrainingId = tuple[int, int]
"""Split seed and training seed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairedOutcomes:
    """Arms of one protocol, paired over the trainings that all of them have finished.

    `training_ids` identify these trainings. `metric` is computed over the protocol's unit of evaluation, or
    over frames with `by_frame`.
    """

    outcomes: tuple[Outcome, ...]
    training_ids: tuple[TrainingId, ...]
    metric: Metric
    by_frame: bool = False

    @cached_property
    def _trainings(self) -> list[list[TrainingOutcome]]:
        trainings_by_id = [
            {training.id: training for training in outcome.trainings} for outcome in self.outcomes
        ]
        return [
            [arm_trainings[training_id] for training_id in self.training_ids]
            for arm_trainings in trainings_by_id
        ]

    def _select_units(self, training: TrainingOutcome) -> tuple[Prediction, ...]:
        return training.predictions if self.by_frame else training.units

    @property
    def unit_count(self) -> int:
        """Number of distinct test units."""
        return len({unit.id for training in self._trainings[0] for unit in self._select_units(training)})

    @property
    def obstacle(self) -> str:
        """Reason why no verdict is possible, independent of the scores; "" if there is none."""
        units = (unit for training in self._trainings[0] for unit in self._select_units(training))
        ids_without_subject = {unit.id for unit in units if not unit.subject}
        if ids_without_subject:
            return f"{len(ids_without_subject)} of {self.unit_count} test units name no subject"
        runs = [run for trainings in self._trainings for training in trainings for run in training.runs]
        fixed_arms = {run.spec.architecture.name for run in runs if run.has_fixed_weights}
        if fixed_arms:
            return f"the weights of {', '.join(sorted(fixed_arms))} do not vary between trainings"
        if any(run.spec.fold and run.training_version < TRAINING_VERSION for run in runs):
            return "the folds of these older runs start from the same weights; run the study again"
        return ""

    @cached_property
    def is_crossed(self) -> bool:
        """Whether each training is tested on all clusters.

        Otherwise there are several folds and a single split, and each fold counts as a training.
        """
        return (
            len(self._trainings[0][0].runs) == 1
            or len({split_seed for split_seed, _ in self.training_ids}) > 1
        )

    @cached_property
    def clusters(self) -> tuple[str, ...]:
        """Sorted names of the subjects, or of the folds if not `is_crossed`."""
        return tuple(
            sorted(
                {
                    name
                    for training in self._trainings[0]
                    for name in self._map_units_to_clusters(training).values()
                }
            )
        )

    def _map_units_to_clusters(self, training: TrainingOutcome) -> Mapping[str, str]:
        return map_units_to_clusters(training, by_fold=not self.is_crossed, by_frame=self.by_frame)

    @cached_property
    def is_conditional(self) -> bool:
        """Whether there are too few trainings to generalize to other trainings; each fold counts as one."""
        fold_count = len(self._trainings[0][0].runs)
        return self.is_crossed and fold_count * len(self.training_ids) < MIN_TRAININGS

    @cached_property
    def _training_scores(self) -> TrainingScores:
        """Metric values and cluster contributions of the trainings, averaged into one if `is_conditional`."""
        split_seeds = list(dict.fromkeys(split_seed for split_seed, _ in self.training_ids))
        seed_count = len(self.training_ids) // len(split_seeds)
        shape = (len(self.outcomes), len(split_seeds), seed_count)
        values = np.empty(shape)
        contributions = np.zeros((*shape, len(self.clusters)))
        cluster_sizes = np.zeros(len(self.clusters))
        index_by_cluster = {name: position for position, name in enumerate(self.clusters)}
        for index, (split_seed, _) in enumerate(self.training_ids):
            arm_trainings = [trainings[index] for trainings in self._trainings]
            clusters = self._map_units_to_clusters(arm_trainings[0])
            units = self._select_units(arm_trainings[0])
            unit_ids = [unit.id for unit in units]
            cluster_indices = np.array([index_by_cluster[clusters[unit.id]] for unit in units])
            metric_values, unit_contributions = linearize(
                self.metric,
                np.array([unit.truth for unit in units]),
                np.array(
                    [
                        _get_predicted_classes(self._select_units(training), unit_ids)
                        for training in arm_trainings
                    ]
                ),
                num_classes=len(arm_trainings[0].runs[0].data.classes),
            )
            cell_index = split_seeds.index(split_seed), index % seed_count
            values[:, *cell_index] = metric_values
            membership = np.eye(len(self.clusters))[cluster_indices]
            contributions[:, *cell_index] = unit_contributions @ membership
            cluster_sizes += membership.sum(axis=0)
        if self.is_conditional:
            values = values.mean(axis=(1, 2), keepdims=True)
            contributions = contributions.mean(axis=(1, 2), keepdims=True)
        run = self._trainings[0][0].runs[0]
        return TrainingScores(
            values=values,
            contributions=contributions,
            cluster_sizes=cluster_sizes,
            test_train_ratio=sum(run.data.test) / max(1, sum(run.data.train)),
            has_fold_clusters=not self.is_crossed,
        )

    def compute_value(self, weights: Mapping[str, float]) -> float:
        """Return the weighted sum of the arms' metrics, each averaged over the trainings.

        `weights` maps arm names to weights; other arms have weight 0.
        """
        means = self._training_scores.values.mean(axis=(1, 2))
        return float(
            sum(
                weights.get(outcome.arm.name, 0.0) * mean
                for outcome, mean in zip(self.outcomes, means, strict=True)
            )
        )

    def compare_contrasts(
        self, contrasts: Sequence[Mapping[str, float]], *, family_size: int = 0
    ) -> tuple[Estimate | None, ...]:
        """Estimate a family of weighted sums of arms, each given as weights by arm name.

        `family_size` is the number of comparisons in the whole family if `contrasts` is a part of it. With
        fewer than two clusters every estimate is None.
        """
        if len(self.clusters) < 2:
            return (None,) * len(contrasts)
        return self._build_estimates(
            compare_contrasts(
                self._training_scores, self._build_weight_matrix(contrasts), family_size=family_size
            )
        )

    def estimate_contrast(self, weights: Mapping[str, float]) -> Estimate | None:
        """Estimate one weighted sum without a test against 0, such as one arm's accuracy.

        Return None with fewer than two clusters.
        """
        if len(self.clusters) < 2:
            return None
        return self._build_estimates(
            estimate_contrasts(self._training_scores, self._build_weight_matrix([weights]))
        )[0]

    def _build_weight_matrix(self, contrasts: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        return np.array(
            [[weights.get(outcome.arm.name, 0.0) for outcome in self.outcomes] for weights in contrasts]
        )

    def _build_estimates(self, comparisons: ContrastResults) -> tuple[Estimate, ...]:
        return tuple(
            build_estimate(
                comparisons,
                index,
                cluster_count=len(self.clusters),
                training_count=len(self.training_ids),
                unit_count=self.unit_count,
                is_conditional=self.is_conditional,
                cluster_name="subjects" if self.is_crossed else "folds",
            )
            for index in range(len(comparisons.estimates))
        )

    def count_wins_and_losses(self, before: str, after: str) -> tuple[int, int] | None:
        """Count the units that only `after`, and that only `before`, classified correctly.

        Return None if there are several trainings.
        """
        if len(self.training_ids) != 1:
            return None
        names = [outcome.arm.name for outcome in self.outcomes]
        before_correct, after_correct = (
            self._trainings[names.index(name)][0].correct_by_unit for name in (before, after)
        )
        return (
            sum(after_correct[unit] and not before_correct[unit] for unit in before_correct),
            sum(before_correct[unit] and not after_correct[unit] for unit in before_correct),
        )


def map_units_to_clusters(
    training: TrainingOutcome, *, by_fold: bool, by_frame: bool = False
) -> Mapping[str, str]:
    """Return the cluster of each test unit by unit id: its fold if `by_fold`, otherwise its subject.

    A unit without a subject is its own cluster.
    """
    units = training.predictions if by_frame else training.units
    if not by_fold:
        return {unit.id: unit.subject or unit.id for unit in units}
    fold_by_clip = {
        prediction.clip or prediction.id: run.spec.fold
        for run in training.runs
        for prediction in run.predictions
    }
    return {unit.id: f"fold {fold_by_clip[unit.clip or unit.id]:06d}" for unit in units}


def estimate_unit_mean(
    values_by_training: Sequence[Mapping[str, float]], clusters: Mapping[str, str], *, by_fold: bool
) -> Estimate | None:
    """Estimate the mean of one number per test unit, such as a paired gain, over units and trainings.

    `values_by_training` holds each training's numbers by unit id. Return None with fewer than two clusters.
    """
    cluster_names = sorted({clusters[unit] for values in values_by_training for unit in values})
    if len(cluster_names) < 2:
        return None
    index_by_cluster = {cluster_name: position for position, cluster_name in enumerate(cluster_names)}
    means = np.array([fmean(values.values()) for values in values_by_training])
    contributions, cluster_sizes = (
        np.zeros((len(values_by_training), len(cluster_names))),
        np.zeros(len(cluster_names)),
    )
    for index, values in enumerate(values_by_training):
        for unit, value in values.items():
            contributions[index, index_by_cluster[clusters[unit]]] += (value - means[index]) / len(values)
            cluster_sizes[index_by_cluster[clusters[unit]]] += 1
    is_conditional = not by_fold and len(values_by_training) < MIN_TRAININGS
    if is_conditional:
        means, contributions = means.mean(keepdims=True), contributions.mean(axis=0, keepdims=True)
    comparisons = compare_contrasts(
        TrainingScores(
            values=means[None, None],
            contributions=contributions[None, None],
            cluster_sizes=cluster_sizes,
            has_fold_clusters=by_fold,
        ),
        np.ones((1, 1)),
    )
    return build_estimate(
        comparisons,
        0,
        cluster_count=len(cluster_names),
        training_count=len(values_by_training),
        unit_count=len({unit for values in values_by_training for unit in values}),
        is_conditional=is_conditional,
    )


def _get_predicted_classes(units: Sequence[Prediction], unit_ids: Sequence[str]) -> NDArray[np.intp]:
    classes_by_unit = {unit.id: unit.predicted_class for unit in units}
    return np.array([classes_by_unit[unit] for unit in unit_ids])


def pair_outcomes(
    outcomes: Sequence[Outcome], metric: Metric, *, by_frame: bool = False
) -> PairedOutcomes | None:
    """Pair the arms over the trainings that all of them have finished; None if there is no such training.

    With several splits, only the largest set of trainings with the same seeds on each split is used.
    """
    if not outcomes or not all(outcome.trainings for outcome in outcomes):
        return None
    shared_ids = set.intersection(*({training.id for training in outcome.trainings} for outcome in outcomes))
    if not shared_ids:
        return None
    training_ids = _select_balanced(shared_ids)
    return PairedOutcomes(
        outcomes=tuple(outcomes), training_ids=training_ids, metric=metric, by_frame=by_frame
    )


def _select_balanced(training_ids: Collection[TrainingId]) -> tuple[TrainingId, ...]:
    """Return the largest subset of trainings that has the same seeds on each of its splits."""
    seeds_by_split = {
        split_seed: {seed for other_split, seed in training_ids if other_split == split_seed}
        for split_seed, _ in training_ids
    }
    shared_seed_sets: set[frozenset[int]] = set()
    for seeds in seeds_by_split.values():
        shared_seed_sets |= {
            frozenset(seeds),
            *(frozenset(seeds & other_seeds) for other_seeds in shared_seed_sets),
        }

    def select_trainings(seeds: frozenset[int]) -> tuple[TrainingId, ...]:
        split_seeds = sorted(
            split_seed for split_seed, split_seeds_set in seeds_by_split.items() if seeds <= split_seeds_set
        )
        return tuple((split_seed, seed) for split_seed in split_seeds for seed in sorted(seeds))

    return max(map(select_trainings, sorted(shared_seed_sets, key=sorted)), key=len)


def list_shared_run_keys(
    outcomes: Sequence[Outcome], training_ids: Collection[TrainingId]
) -> tuple[str, ...]:
    """Return the keys of the runs of these trainings of each outcome."""
    return tuple(
        run.spec.key
        for outcome in outcomes
        for training in outcome.trainings
        if training.id in training_ids
        for run in training.runs
    )
