"""Accuracy by subject. The accuracy on the whole test set can hide subjects on whom a network fails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from studies.controls import find_majority_class
from studies.results import Prediction, RunResult

_TOLERANCE = 1e-12
"""Maximum difference of two means of the same fractions whose terms are summed in different orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectAccuracy:
    """Accuracy on one subject, in 0..1, and the number of distinct test units of this subject."""

    subject: str
    units: int
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectSummary:
    """Number of subjects, their median accuracy, the worst subject, and the share below a baseline.

    `median`, `baseline` and `share_below` lie in 0..1.
    """

    num_subjects: int
    median: float
    worst_subject: SubjectAccuracy
    baseline: float
    share_below: float


def compute_subject_accuracies(trainings: Sequence[Sequence[Prediction]]) -> tuple[SubjectAccuracy, ...]:
    """Return the accuracy on each named subject, sorted by name.

    `trainings` holds the test units of each seed. A subject's accuracy is the mean over the seeds that tested
    this subject. Units without a subject are left out.
    """
    accuracies: dict[str, list[float]] = {}
    units: dict[str, set[str]] = {}
    for predictions in trainings:
        correct: dict[str, list[bool]] = {}
        for unit in predictions:
            if unit.subject:
                correct.setdefault(unit.subject, []).append(unit.predicted_class == unit.truth)
                units.setdefault(unit.subject, set()).add(unit.id)
        for subject, values in correct.items():
            accuracies.setdefault(subject, []).append(fmean(values))
    return tuple(
        SubjectAccuracy(subject=subject, units=len(units[subject]), accuracy=fmean(accuracies[subject]))
        for subject in sorted(accuracies)
    )


def summarize_subjects(
    trainings: Sequence[Sequence[Prediction]], *, baseline: float
) -> SubjectSummary | None:
    """Summarize the accuracy by subject. Return None if no unit has a subject.

    A subject counts as below if its accuracy is less than `baseline` (0..1). Among several worst
    subjects, `worst_subject` is the one with the most units, then the first by name.
    """
    subjects = compute_subject_accuracies(trainings)
    if not subjects:
        return None
    return SubjectSummary(
        num_subjects=len(subjects),
        median=median(subject.accuracy for subject in subjects),
        worst_subject=min(subjects, key=lambda subject: (subject.accuracy, -subject.units, subject.subject)),
        baseline=baseline,
        share_below=fmean(subject.accuracy < baseline - _TOLERANCE for subject in subjects),
    )


def compute_majority_accuracy(runs: Sequence[RunResult]) -> float:
    """Return the accuracy (0..1) of predicting the most frequent training class in every fold of one seed.

    The accuracy is taken over the protocol's evaluation units of all folds together.
    """
    correct = [truth == find_majority_class(run) for run in runs for truth in _list_true_classes(run)]
    return fmean(correct) if correct else 0.0


def _list_true_classes(run: RunResult) -> Iterable[int]:
    """Return the true class of each evaluation unit of a run."""
    if run.spec.protocol == "frame":
        return (prediction.truth for prediction in run.predictions)
    return {(p.clip or p.id, p.condition): p.truth for p in run.predictions}.values()
