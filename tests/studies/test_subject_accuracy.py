from dataclasses import replace

import pytest

from studies.results import Prediction, RunResult
from studies.subject_accuracy import (
    SubjectAccuracy,
    compute_majority_accuracy,
    compute_subject_accuracies,
    summarize_subjects,
)


def _unit(id: str, subject: str, *, right: bool) -> Prediction:
    return Prediction(
        id=id, subject=subject, clip=id, truth=0, probabilities=(0.75, 0.25) if right else (0.25, 0.75)
    )


def _make_training(**rights: str) -> list[Prediction]:
    """Return one unit per letter, "r" is correct: `_make_training(a="rw")` has a0 (right) and a1 (wrong)."""
    return [
        _unit(f"{subject}{n}", subject, right=letter == "r")
        for subject, letters in rights.items()
        for n, letter in enumerate(letters)
    ]


def test_accuracy_by_subject_is_the_mean_of_its_test_seeds() -> None:
    first, second = _make_training(b="rw", a="rrr"), _make_training(b="rr")

    # a: 3 of 3 in the only seed that tested it. b: 1/2 and 2/2.
    assert compute_subject_accuracies([first, second]) == (
        SubjectAccuracy(subject="a", units=3, accuracy=1.0),
        SubjectAccuracy(subject="b", units=2, accuracy=0.75),
    )


def test_units_of_a_subject_are_unique_in_all_seeds() -> None:
    first = [_unit("x", "a", right=True), _unit("y", "a", right=True)]
    second = [_unit("y", "a", right=False), _unit("z", "a", right=False)]

    (subject,) = compute_subject_accuracies([first, second])

    assert (subject.units, subject.accuracy) == (3, 0.5)


def test_summary_of_four_subjects() -> None:
    training = _make_training(a="rr", b="rw", c="rwww", d="rrr")

    summary = summarize_subjects([training], baseline=0.5)

    # Accuracies 1, 1/2, 1/4 and 1: the median is (1/2 + 1) / 2, and only c is below 1/2.
    assert summary is not None
    assert (summary.num_subjects, summary.median, summary.share_below) == (4, 0.75, 0.25)
    assert summary.worst_subject == SubjectAccuracy(subject="c", units=4, accuracy=0.25)


def test_larger_of_two_equal_subjects_is_the_worst() -> None:
    summary = summarize_subjects([_make_training(a="w", c="ww", b="ww")], baseline=0.5)

    assert summary is not None
    assert summary.worst_subject == SubjectAccuracy(subject="b", units=2, accuracy=0.0)


def test_subject_at_the_baseline_is_not_below_it() -> None:
    thirds = [_make_training(a="rww")] * 3

    summary = summarize_subjects(thirds, baseline=(1 / 3 + 1 / 3 + 1 / 3) / 3 + 1e-16)

    assert summary is not None
    assert summary.share_below == 0


def test_units_without_a_subject_are_left_out() -> None:
    unnamed = _unit("x", "", right=False)

    assert summarize_subjects([[unnamed]], baseline=0.5) is None
    assert summarize_subjects([], baseline=0.5) is None
    assert compute_subject_accuracies([[unnamed, *_make_training(a="r")]]) == (
        SubjectAccuracy(subject="a", units=1, accuracy=1.0),
    )


def test_majority_accuracy_uses_the_class_of_every_fold(result: RunResult) -> None:
    def fold(train: tuple[int, int], *truths: int) -> RunResult:
        predictions = tuple(
            Prediction(id=f"{train}{n}", subject="a", clip="", truth=truth, probabilities=(0.5, 0.5))
            for n, truth in enumerate(truths)
        )
        return replace(result, data=replace(result.data, train=train), predictions=predictions)

    # Class 0 has 1 of 3 correct, class 1 has 2 of 2: together 3 of 5.
    assert compute_majority_accuracy([fold((9, 5), 0, 1, 1), fold((5, 9), 1, 1)]) == pytest.approx(3 / 5)
