from collections.abc import Sequence
from math import sqrt

import pytest
from scipy.stats import t as student

from reports.formatting import format_percent
from reports.intervals import describe_interval
from reports.outcomes import evaluate_study
from tests.reports.conftest import Factory

MIXED = [clip % 12 < 7 or clip % 5 == 0 for clip in range(96)]
THREE_QUARTERS = [clip < 72 for clip in range(96)]


def _interval_text(
    factory: type[Factory], *right: Sequence[bool], subjects: int = 12, protocol: str = "subject"
) -> str:
    """Return the interval text of a network; right[s][c] is True if clip c is correct in seed s."""
    study = factory.study(only=("proposed",), protocols=(protocol,), seeds=tuple(range(len(right))))
    results = factory.finish(
        study, lambda spec: factory.run_from_correctness(spec, right[spec.seed], subjects=subjects)
    )
    return describe_interval(evaluate_study(results).outcomes[0])


def _subject_interval(values: Sequence[float], *, subjects: int = 12) -> str:
    """Return the t interval of the mean over equal-sized subjects, from the subjects' means."""
    means = [sum(values[s::subjects]) / len(values[s::subjects]) for s in range(subjects)]
    mean = sum(means) / subjects
    error = sqrt(sum((value - mean) ** 2 for value in means) / (subjects - 1) / subjects)
    half = float(student.isf(0.025, subjects - 1)) * error
    return f"95 % interval {format_percent(mean - half)} to {format_percent(mean + half)} over subjects"


@pytest.mark.parametrize("protocol", ["frame", "subject"])
def test_interval_of_one_training_varies_subjects(factory: type[Factory], protocol: str) -> None:
    assert _interval_text(factory, MIXED, protocol=protocol) == (
        f"{_subject_interval(MIXED)}; covering other trainings needs 5 trainings"
    )


def test_few_trainings_are_averaged_per_unit_first(factory: type[Factory]) -> None:
    halves = [(first + second) / 2 for first, second in zip(MIXED, THREE_QUARTERS, strict=True)]

    assert _interval_text(factory, MIXED, THREE_QUARTERS) == (
        f"mean of 2 trainings, {_subject_interval(halves)}; covering other trainings needs 5 trainings"
    )


def test_five_trainings_that_agree_leave_the_interval_to_the_subjects(factory: type[Factory]) -> None:
    assert (
        _interval_text(factory, *[MIXED] * 5)
        == f"mean of 5 trainings, {_subject_interval(MIXED)} and trainings"
    )


def test_five_trainings_that_differ_have_the_interval_of_their_mean(factory: type[Factory]) -> None:
    """All subjects are equal, so the result is the t interval of the 5 accuracies 3/8 to 7/8."""
    half = float(student.isf(0.025, 4)) * sqrt(2.5) / 8 / sqrt(5)

    assert _interval_text(factory, *([clip // 12 < k for clip in range(96)] for k in (3, 4, 5, 6, 7))) == (
        f"mean of 5 trainings, 95 % interval {format_percent(5 / 8 - half)} to "
        f"{format_percent(5 / 8 + half)} over subjects and trainings"
    )


def test_fewer_than_six_subjects_have_no_interval(factory: type[Factory]) -> None:
    assert _interval_text(factory, THREE_QUARTERS, subjects=5) == "no interval: 5 subjects, at least 6 needed"
    assert _interval_text(factory, THREE_QUARTERS, MIXED, subjects=5) == (
        "mean of 2 trainings, no interval: 5 subjects, at least 6 needed"
    )
    assert _interval_text(factory, MIXED, subjects=1) == "no interval: 1 subject, at least 6 needed"
    assert _interval_text(factory, MIXED, subjects=6).startswith("95 % interval ")


def test_subjects_that_all_agree_have_no_interval(factory: type[Factory]) -> None:
    assert _interval_text(factory, [True] * 96) == "no interval: no variation between subjects"


def test_units_that_name_no_subject_have_no_interval(factory: type[Factory]) -> None:
    study = factory.study(only=("proposed",), protocols=("clip",))
    results = factory.finish(
        study,
        lambda spec: factory.nameless(factory.run_from_correctness(spec, MIXED, subjects=12), "subject"),
    )

    assert describe_interval(evaluate_study(results).outcomes[0]) == (
        "no interval: 96 of 96 test units name no subject"
    )


def test_folds_are_the_clusters_of_kfold(factory: type[Factory]) -> None:
    study = factory.study(only=("proposed",), protocols=("kfold",), folds=(8,))
    results = factory.finish(
        study, lambda spec: factory.fold_part(factory.run_from_correctness(spec, THREE_QUARTERS, subjects=12))
    )
    text = describe_interval(evaluate_study(results).outcomes[0])

    # Each of the 8 folds tests every 8th clip, so that 9 of its 12 clips are right: all folds agree.
    assert text == "no interval: no variation between folds"

    results = factory.finish(
        study, lambda spec: factory.fold_part(factory.run_from_correctness(spec, MIXED, subjects=12))
    )
    assert describe_interval(evaluate_study(results).outcomes[0]) == _subject_interval(
        MIXED, subjects=8
    ).replace("over subjects", "over folds")


def test_interval_ends_at_100(factory: type[Factory]) -> None:
    assert " to 100.00 over subjects" in _interval_text(factory, [clip % 12 != 0 for clip in range(96)])
