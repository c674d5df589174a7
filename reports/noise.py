"""Variation of the accuracy over trainings, subjects and units, measured on the finished runs of a study."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from statistics import fmean, variance

from reports.arm_differences import compute_differences
from reports.outcomes import Outcome, StudyEvaluation, TrainingOutcome
from studies.statistics.power import Noise
from studies.statistics.verdicts import Estimate


def measure_noise(evaluation: StudyEvaluation, protocol: str) -> Noise | None:
    """Measure the noise of the accuracy under a protocol.

    None unless some arm has two finished trainings of one split, none of which collapsed.
    """
    outcomes = [
        outcome
        for outcome in evaluation.select_protocol(protocol)
        if len(outcome.trainings) > 1 and not outcome.collapsed_count
    ]
    pairs = [pair for outcome in outcomes for pair in _pair_trainings_of_split(outcome)]
    if not pairs:
        return None
    discordance = fmean(_compute_discordance(*pair) for pair in pairs)
    mean_unit_count = fmean(len(first.units) for first, _ in pairs)
    mean_variance = fmean(
        variance([first.scores.accuracy, second.scores.accuracy]) for first, second in pairs
    )
    # The accuracy of a training with several folds is the mean of as many independent trainings.
    fold_count = len(outcomes[0].trainings[0].runs)
    training_variance = fold_count * max(0.0, mean_variance - discordance / (2 * mean_unit_count))
    excess_variances = [
        max(
            0.0,
            _compute_excess_variance(estimate, discordance)
            - (2 * training_variance / estimate.training_count if fold_count > 1 else 0.0),
        )
        for difference in compute_differences(evaluation, protocol, metric="accuracy")
        if (estimate := difference.estimate)
    ]
    training_count = sum(len(outcome.trainings) for outcome in outcomes)
    return Noise(
        training_sd=training_variance**0.5,
        subject_sd=fmean(excess_variances) ** 0.5 if excess_variances else 0.0,
        discordance=discordance,
        source=f"measured on {training_count} finished trainings of this study",
    )


def _compute_excess_variance(estimate: Estimate, discordance: float) -> float:
    """Return a difference's variance over clusters in excess of the variance of single predictions."""
    return (
        estimate.subject_se**2 - discordance / (estimate.unit_count * estimate.training_count)
    ) * estimate.cluster_count


def _pair_trainings_of_split(outcome: Outcome) -> Iterator[tuple[TrainingOutcome, TrainingOutcome]]:
    return (pair for pair in combinations(outcome.trainings, 2) if pair[0].split_seed == pair[1].split_seed)


def _compute_discordance(first_training: TrainingOutcome, second_training: TrainingOutcome) -> float:
    """Return the share of units that exactly one of two trainings predicts correctly."""
    second_correct = second_training.correct_by_unit
    return fmean(
        [
            second_correct.get(unit, is_correct) != is_correct
            for unit, is_correct in first_training.correct_by_unit.items()
        ]
    )
