from dataclasses import replace
from math import sqrt
from typing import Any

import pytest
from scipy.stats import t as student

from reports.accuracy_drop import AccuracyDrop, compute_accuracy_drop
from reports.outcomes import evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built

FIVE = (0, 1, 2, 3, 4)


def _fall(
    built: type[Built], choose: Any, *, only: Any = ("vgg16", "proposed"), seeds: Any = FIVE
) -> AccuracyDrop | None:
    study = evaluate_study(
        built.finish(built.study(only=only, protocols=("frame", "subject"), seeds=seeds), choose)
    )
    return compute_accuracy_drop(study.select_protocol("frame"), study.select_protocol("subject"))


def _moved(built: type[Built], *, frame: int = 8, subjects: int = 12) -> Any:
    """Return runs: under `frame`, `frame` of 8 clips are correct per subject, else 3 to 7, by seed."""

    def choose(spec: RunSpec) -> RunResult:
        count = frame if spec.protocol == "frame" else 3 + spec.seed
        return built.answered(spec, [c // subjects < count for c in range(8 * subjects)], subjects=subjects)

    return choose


def test_the_fall_of_one_network_has_the_interval_of_the_part_that_varies(built: type[Built]) -> None:
    """Only the trainings under `subject` vary, so the result is the t interval of their mean."""
    found = _fall(built, _moved(built), only=("proposed",))
    half = float(student.isf(0.025, 4)) * sqrt(2.5) / 8 / sqrt(5)

    assert found is not None
    assert (found.loose_accuracy, found.strict_accuracy) == pytest.approx((1, 5 / 8))
    assert found.difference == pytest.approx(3 / 8)
    assert (found.low, found.high) == pytest.approx((3 / 8 - half, 3 / 8 + half))
    assert not found.is_conditional


def test_two_networks_halve_the_variance_and_double_the_degrees_of_freedom(built: type[Built]) -> None:
    found = _fall(built, _moved(built))
    half = float(student.isf(0.025, 8)) * sqrt(2.5) / 8 / sqrt(10)

    assert found is not None
    assert (found.low, found.high) == pytest.approx((3 / 8 - half, 3 / 8 + half))


def test_both_splits_add_their_variances(built: type[Built]) -> None:
    """Both protocols have 3 to 7 of 8 clips correct: no drop; variances and degrees of freedom add up."""

    def choose(spec: RunSpec) -> RunResult:
        return built.answered(spec, [c // 12 < 3 + spec.seed for c in range(96)], subjects=12)

    found = _fall(built, choose, only=("proposed",))
    half = float(student.isf(0.025, 8)) * sqrt(2 * 2.5 / 5) / 8

    assert found is not None
    assert found.difference == 0
    assert (found.low, found.high) == pytest.approx((-half, half))


def test_a_rise_is_a_negative_fall(built: type[Built]) -> None:
    found = _fall(built, _moved(built, frame=2), only=("proposed",))

    assert found is not None
    assert found.difference == pytest.approx(-3 / 8)
    assert found.high is not None
    assert found.high < 0


def test_few_trainings_are_conditional(built: type[Built]) -> None:
    found = _fall(built, _moved(built), seeds=(0, 1, 2, 3))

    assert found is not None
    assert found.is_conditional
    assert (found.low, found.high) == pytest.approx((1 - 4.5 / 8, 1 - 4.5 / 8)), "all subjects are alike"


def test_one_conditional_side_makes_the_fall_conditional(built: type[Built]) -> None:
    """Each fold of `kfold` is a training of its own; under `frame` there is only one training."""
    study = built.study(protocols=("frame", "kfold"), folds=(1, 8))

    def choose(spec: RunSpec) -> RunResult:
        made = built.answered(spec, [c % 5 > 0 for c in range(96)], subjects=12)
        return built.fold_part(made) if spec.folds > 1 else made

    scored = evaluate_study(built.finish(study, choose))
    found = compute_accuracy_drop(scored.select_protocol("frame"), scored.select_protocol("kfold"))

    assert found is not None
    assert found.is_conditional
    assert found.low is not None


def test_frames_are_counted_under_the_strict_split_too(built: type[Built]) -> None:
    """Under `subject` half of the clips are correct; these have three frames each, the others one."""
    moved = _moved(built)

    def choose(spec: RunSpec) -> Any:
        if spec.protocol == "frame":
            return moved(spec)
        made = built.answered(spec, [c // 12 < 4 for c in range(96)], subjects=12)
        frames = [
            replace(p, id=f"{p.clip}/{n}")
            for p in made.predictions
            for n in range(3 if p.predicted_class == p.truth else 1)
        ]
        return replace(made, predictions=tuple(frames))

    found = _fall(built, choose)

    assert found is not None
    assert found.strict_accuracy == pytest.approx(3 / 4)


@pytest.mark.parametrize("subjects", [1, 5])
def test_few_subjects_leave_the_difference_without_interval(built: type[Built], subjects: int) -> None:
    found = _fall(built, _moved(built, subjects=subjects))

    assert found is not None
    assert found.difference == pytest.approx(3 / 8)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize("unnamed", ["frame", "subject"])
def test_unnamed_subjects_of_either_test_leave_no_interval(built: type[Built], unnamed: str) -> None:
    moved = _moved(built)

    def choose(spec: RunSpec) -> Any:
        made = moved(spec)
        return built.nameless(made, "subject") if spec.protocol == unnamed else made

    found = _fall(built, choose)

    assert found is not None
    assert found.low is None
    assert found.difference == pytest.approx(3 / 8)


def test_networks_without_a_common_training_have_no_fall(built: type[Built]) -> None:
    moved = _moved(built)

    def choose(spec: RunSpec) -> Any:
        first = spec.architecture.name == "vgg16"
        return moved(spec) if spec.protocol == "frame" or (spec.seed < 2) == first else None

    assert _fall(built, choose) is None
    assert compute_accuracy_drop((), ()) is None
