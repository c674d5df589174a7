"""All metrics by which a paper may have computed a number, of one set of predictions.

The first four are the scores that this project reports. The others are what papers print under the names of
the first: macro precision instead of UAR, averages weighted by class, means of the scores of single folds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from studies.metrics import Scores, compute_scores
from studies.prediction_files.table import ClipPrediction

MAIN_METRICS = ("UF1", "UAR", "accuracy", "macro precision")
"""The metrics of the table of scores. Macro recall is UAR."""

_SCORE_FUNCTIONS: Mapping[str, Callable[[Scores], float]] = {
    "UF1": lambda scores: scores.uf1,
    "UAR": lambda scores: scores.uar,
    "accuracy": lambda scores: scores.accuracy,
    "macro precision": lambda scores: scores.precision,
    "weighted F1": lambda scores: _average_by_support(scores, "f1"),
    "weighted precision": lambda scores: _average_by_support(scores, "precision"),
    "F1 of macro precision and UAR": lambda scores: _harmonic_mean(scores.precision, scores.uar),
}
_FOLD_METRICS = ("UF1", "UAR", "accuracy", "macro precision")


def compute_metric_values(
    predictions: Sequence[ClipPrediction], num_classes: int, *, scores: Scores
) -> Mapping[str, float]:
    """Return each metric by name, in 0..1. `scores` are those of `predictions`."""
    values = {name: compute(scores) for name, compute in _SCORE_FUNCTIONS.items()}
    return {
        **values,
        **_average_groups(predictions, num_classes, by="subject"),
        **_average_groups(predictions, num_classes, by="set"),
    }


def group_by_subject(
    predictions: Sequence[ClipPrediction],
) -> Mapping[tuple[str, str], Sequence[ClipPrediction]]:
    """Return the predictions of each subject by set and subject; {} if a subject is unknown."""
    groups: dict[tuple[str, str], list[ClipPrediction]] = {}
    for prediction in predictions:
        if not prediction.subject:
            return {}
        groups.setdefault(prediction.key[:2], []).append(prediction)
    return groups


def group_by_set(predictions: Sequence[ClipPrediction]) -> Mapping[str, Sequence[ClipPrediction]]:
    """Return the predictions of each set by name, in order of first appearance."""
    groups: dict[str, list[ClipPrediction]] = {}
    for prediction in predictions:
        groups.setdefault(prediction.dataset, []).append(prediction)
    return groups


def _average_groups(
    predictions: Sequence[ClipPrediction], num_classes: int, *, by: str
) -> Mapping[str, float]:
    """Return the means of scores over the subjects, or over the sets; {} with fewer than two groups."""
    groups: Sequence[Sequence[ClipPrediction]] = list(
        group_by_subject(predictions).values() if by == "subject" else group_by_set(predictions).values()
    )
    if len(groups) < 2:
        return {}
    group_scores = [compute_scores(group, num_classes) for group in groups]
    return {
        f"mean {name} over {by}s": fmean(map(_SCORE_FUNCTIONS[name], group_scores)) for name in _FOLD_METRICS
    }


def _average_by_support(scores: Scores, metric: str) -> float:
    supports = [counts.tp + counts.fn for counts in scores.per_class]
    total = sum(
        support * float(getattr(counts, metric))
        for support, counts in zip(supports, scores.per_class, strict=True)
    )
    return total / sum(supports)


def _harmonic_mean(first: float, second: float) -> float:
    return 2 * first * second / (first + second) if first + second else 0.0
