"""Compute metrics from predictions, as the paper and the MEGC 2019 challenge define them.

Per class, one against the rest: accuracy (TP+TN)/N, precision, recall and F1. Overall: accuracy correct/N;
precision, recall and F1 are unweighted means over the classes. UF1 and UAR (MEGC 2019, doi
10.1109/FG.2019.8756611) are the means of F1 = 2TP/(2TP+FP+FN) and of recall over pooled predictions. A ratio
with denominator 0 counts as 0. A class without true samples is left out of all means and is listed in
`Scores.absent_classes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from datasets.text import sanitize
from studies.errors import StudyError
from studies.results import Prediction
from studies.spec import Metric

METRIC_NAMES: dict[Metric, str] = {"accuracy": "accuracy", "uf1": "UF1", "uar": "UAR"}
"""Display names of the metrics that can decide a study."""


def _divide(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else 0.0


class ClassPair(Protocol):
    """A true and a predicted class, such as those of a `Prediction`."""

    @property
    def truth(self) -> int:
        """Index of the true class."""

    @property
    def predicted_class(self) -> int:
        """Index of the predicted class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """Numbers of samples of one class against the rest."""

    tp: int
    tn: int
    fp: int
    fn: int

    @property
    def accuracy(self) -> float:
        """(TP + TN) / N."""
        return _divide(self.tp + self.tn, self.tp + self.tn + self.fp + self.fn)

    @property
    def precision(self) -> float:
        """TP / (TP + FP)."""
        return _divide(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """TP / (TP + FN)."""
        return _divide(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """2TP / (2TP + FP + FN), the harmonic mean of precision and recall."""
        return _divide(2 * self.tp, 2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The overall metrics of a set of predictions, all in 0..1, and the counts behind them.

    `absent_classes` have no true samples. `is_collapsed` says that every prediction is the same class.
    """

    num_samples: int
    correct: int
    per_class: tuple[ClassCounts, ...]
    absent_classes: tuple[int, ...]
    is_collapsed: bool

    @property
    def accuracy(self) -> float:
        """Share of samples whose predicted class is correct."""
        return _divide(self.correct, self.num_samples)

    @property
    def precision(self) -> float:
        """Mean precision over the classes present."""
        return self._average_classes("precision")

    @property
    def recall(self) -> float:
        """Mean recall over the classes present; the field's UAR."""
        return self._average_classes("recall")

    @property
    def f1(self) -> float:
        """Mean F1 over the classes present; the field's UF1."""
        return self._average_classes("f1")

    uf1 = f1
    uar = recall

    def _average_classes(self, metric: str) -> float:
        values = [getattr(c, metric) for i, c in enumerate(self.per_class) if i not in self.absent_classes]
        return sum(values) / len(values) if values else 0.0


def compute_confusion_matrix(
    predictions: Sequence[ClassPair], num_classes: int
) -> tuple[tuple[int, ...], ...]:
    """Return the counts [true class][predicted class], shape (num_classes, num_classes)."""
    # scikit-learn takes 12 to 15 times as long for 250 predictions, and a report makes thousands of calls.
    counts = [[0] * num_classes for _ in range(num_classes)]
    for prediction in predictions:
        counts[prediction.truth][prediction.predicted_class] += 1
    return tuple(tuple(row) for row in counts)


def count_by_class(matrix: Sequence[Sequence[int]]) -> tuple[ClassCounts, ...]:
    """Return TP, TN, FP and FN of each class of a confusion matrix [true class][predicted class]."""
    n = sum(map(sum, matrix))
    row_sums = [sum(row) for row in matrix]
    column_sums = [sum(column) for column in zip(*matrix, strict=True)]
    return tuple(
        ClassCounts(
            tp=matrix[c][c],
            fn=row_sums[c] - matrix[c][c],
            fp=column_sums[c] - matrix[c][c],
            tn=n - row_sums[c] - column_sums[c] + matrix[c][c],
        )
        for c in range(len(matrix))
    )


def compute_scores(predictions: Sequence[ClassPair], num_classes: int) -> Scores:
    """Compute all metrics over the pooled predictions. Pass the predictions of all folds together."""
    matrix = compute_confusion_matrix(predictions, num_classes)
    predicted_counts = [sum(column) for column in zip(*matrix, strict=True)]
    return Scores(
        num_samples=len(predictions),
        correct=sum(matrix[c][c] for c in range(num_classes)),
        per_class=count_by_class(matrix),
        absent_classes=tuple(c for c in range(num_classes) if sum(matrix[c]) == 0),
        is_collapsed=sum(count > 0 for count in predicted_counts) == 1 and num_classes > 1,
    )


def aggregate_by_clip(predictions: Sequence[Prediction]) -> tuple[Prediction, ...]:
    """Return one prediction per clip and condition: the mean of its frames' probabilities.

    The clips are in the order of first appearance. A sample without a clip is a clip of its own.

    Raises:
        StudyError: frames of one clip have different labels.
    """
    frames: dict[tuple[str, str], list[Prediction]] = {}
    for prediction in predictions:
        unit = prediction.clip or prediction.id
        frames.setdefault((unit, prediction.condition), []).append(prediction)
    return tuple(_average_frames(unit, members) for (unit, _), members in frames.items())


def _average_frames(clip: str, frames: list[Prediction]) -> Prediction:
    labels = {frame.truth for frame in frames}
    if len(labels) != 1:
        raise StudyError(
            "clip.label-conflict",
            f"a clip must have one label; clip {sanitize(clip)} has {len(labels)}: correct its labels, or "
            "give the clips different names",
        )
    columns = zip(*(frame.probabilities for frame in frames), strict=True)
    return Prediction(
        id=clip,
        subject=frames[0].subject,
        clip=clip,
        truth=labels.pop(),
        probabilities=tuple(sum(class_probabilities) / len(frames) for class_probabilities in columns),
        condition=frames[0].condition,
    )


def group_by_condition(predictions: Sequence[Prediction]) -> dict[str, tuple[Prediction, ...]]:
    """Group the predictions by condition, in the order of first appearance."""
    groups: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        groups.setdefault(prediction.condition, []).append(prediction)
    return {condition: tuple(members) for condition, members in groups.items()}


def to_evaluation_unit(predictions: Sequence[Prediction], protocol: str) -> tuple[Prediction, ...]:
    """Return the predictions per evaluation unit: frames under `frame`, as in the paper, clips otherwise."""
    return tuple(predictions) if protocol == "frame" else aggregate_by_clip(predictions)


def map_correct(predictions: Iterable[Prediction]) -> dict[str, bool]:
    """Return by id whether each prediction's class is the true one."""
    return {prediction.id: prediction.predicted_class == prediction.truth for prediction in predictions}
