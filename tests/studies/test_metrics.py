import random

import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from studies.metrics import (
    ClassCounts,
    aggregate_by_clip,
    compute_confusion_matrix,
    compute_scores,
    count_by_class,
    to_evaluation_unit,
)
from studies.results import Prediction
from tests.error_codes import raises_code


def _one(truth: int, *probabilities: float, clip: str = "c", id: str = "x") -> Prediction:
    return Prediction(id=id, subject="s", clip=clip, truth=truth, probabilities=probabilities)


def _one_hot(truth: int, predicted: int, classes: int = 3) -> Prediction:
    return _one(truth, *(float(c == predicted) for c in range(classes)))


# Class 0: two correct, one predicted as 1. Class 1: one correct. Class 2: one predicted as 0.
FIVE = [_one_hot(0, 0), _one_hot(0, 0), _one_hot(0, 1), _one_hot(1, 1), _one_hot(2, 0)]


def test_confusion_counts_truth_by_prediction() -> None:
    assert compute_confusion_matrix(FIVE, 3) == ((2, 1, 0), (0, 1, 0), (1, 0, 0))


def test_counts_by_class_against_the_rest() -> None:
    assert count_by_class(compute_confusion_matrix(FIVE, 3)) == (
        ClassCounts(tp=2, tn=1, fp=1, fn=1),
        ClassCounts(tp=1, tn=3, fp=1, fn=0),
        ClassCounts(tp=0, tn=4, fp=0, fn=1),
    )


def test_numbers_of_one_class() -> None:
    counts = ClassCounts(tp=2, tn=1, fp=1, fn=1)

    assert counts.accuracy == 3 / 5
    assert counts.precision == 2 / 3
    assert counts.recall == 2 / 3
    assert counts.f1 == 4 / 6


def test_overall_scores_are_means_of_classes() -> None:
    scores = compute_scores(FIVE, 3)

    assert (scores.num_samples, scores.correct, scores.accuracy) == (5, 3, 0.6)
    assert scores.precision == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert scores.recall == scores.uar == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores.f1 == scores.uf1 == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)


def test_ratio_of_nothing_is_zero() -> None:
    nothing = ClassCounts(tp=0, tn=0, fp=0, fn=0)

    assert (nothing.accuracy, nothing.precision, nothing.recall, nothing.f1) == (0, 0, 0, 0)
    assert compute_scores([], 3).accuracy == compute_scores([], 3).f1 == 0


def test_class_absent_from_the_truth_is_named_and_excluded_from_means() -> None:
    scores = compute_scores([_one_hot(0, 0), _one_hot(0, 2), _one_hot(1, 1)], 3)

    assert scores.absent_classes == (2,)
    assert scores.recall == pytest.approx((1 / 2 + 1) / 2)
    assert scores.precision == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("predictions", "classes", "collapsed"),
    [
        ([_one_hot(0, 1), _one_hot(1, 1), _one_hot(2, 1)], 3, True),
        ([_one_hot(0, 1), _one_hot(1, 1), _one_hot(2, 2)], 3, False),
        ([_one_hot(0, 0, 1), _one_hot(0, 0, 1)], 1, False),
        ([], 3, False),
    ],
)
def test_single_predicted_class_is_a_collapse(
    predictions: list[Prediction], classes: int, collapsed: bool
) -> None:
    assert compute_scores(predictions, classes).is_collapsed is collapsed


def test_clip_prediction_is_the_mean_of_its_frames() -> None:
    frames = [
        _one(1, 0.6, 0.4, clip="a", id="a1"),
        _one(0, 0.9, 0.1, clip="b", id="b1"),
        _one(1, 0.1, 0.9, clip="a", id="a2"),
    ]

    clips = aggregate_by_clip(frames)

    assert [(clip.id, clip.clip, clip.truth, clip.predicted_class) for clip in clips] == [
        ("a", "a", 1, 1),
        ("b", "b", 0, 0),
    ]
    assert clips[0].probabilities == pytest.approx((0.35, 0.65))


def test_clip_has_one_label() -> None:
    with raises_code("clip.label-conflict", r"a\nb", 2):
        aggregate_by_clip([_one(0, 1.0, 0.0, clip="a\nb"), _one(1, 1.0, 0.0, clip="a\nb")])


def test_unit_is_the_frame_only_under_frame() -> None:
    frames = [_one(0, 1.0, 0.0, clip="a"), _one(0, 1.0, 0.0, clip="a")]

    assert to_evaluation_unit(frames, "frame") == tuple(frames)
    assert [len(to_evaluation_unit(frames, p)) for p in ("clip", "subject", "kfold", "loso")] == [1, 1, 1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed: int) -> None:
    draw = random.Random(seed)
    predictions = [_one(draw.randrange(4), *(draw.random() for _ in range(4))) for _ in range(60)]
    truth, predicted = [p.truth for p in predictions], [p.predicted_class for p in predictions]

    scores = compute_scores(predictions, 4)
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, predicted, labels=range(4), average="macro", zero_division=0
    )

    assert scores.accuracy == pytest.approx(accuracy_score(truth, predicted))
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx((precision, recall, f1))
    assert compute_confusion_matrix(predictions, 4) == tuple(
        map(tuple, confusion_matrix(truth, predicted).tolist())
    )
