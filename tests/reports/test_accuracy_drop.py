from dataclasses import replace
from math import sqrt
from typing import Any

import pytest
from scipy.stats import t as student

from reports.accuracy_drop import AccuracyDrop, compute_accuracy_drop
from reports.outcomes import evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

FIVE = (0, 1, 2, 3, 4)


def _accuracy_drop(
    factory: type[Factory], choose: Any, *, only: Any = ("vgg16", "proposed"), seeds: Any = FIVE
) -> AccuracyDrop | None:
    study = evaluate_study(
        factory.finish(factory.study(only=only, protocols=("frame", "subject"), seeds=seeds), choose)
    )
    return compute_accuracy_drop(study.select_protocol("frame"), study.select_protocol("subject"))


def _seed_dependent_runs(factory: type[Factory], *, frame: int = 8, subjects: int = 12) -> Any:
    """Return runs: under `frame`, `frame` of 8 clips are correct per subject, else 3 to 7, by seed."""

    def choose(spec: RunSpec) -> RunResult:
        count = frame if spec.protocol == "frame" else 3 + spec.seed
        return factory.run_from_correctness(
            spec, [c // subjects < count for c in range(8 * subjects)], subjects=subjects
        )

    return choose


def test_interval_of_one_network_is_that_of_its_trainings(factory: type[Factory]) -> None:
    """Only the trainings under `subject` vary, so the result is the t interval of their mean."""
    drop = _accuracy_drop(factory, _seed_dependent_runs(factory), only=("proposed",))
    half = float(student.isf(0.025, 4)) * sqrt(2.5) / 8 / sqrt(5)

    assert drop is not None
    assert (drop.loose_accuracy, drop.strict_accuracy) == pytest.approx((1, 5 / 8))
    assert drop.difference == pytest.approx(3 / 8)
    assert (drop.low, drop.high) == pytest.approx((3 / 8 - half, 3 / 8 + half))
    assert not drop.is_conditional


def test_two_networks_halve_the_variance_and_double_the_degrees_of_freedom(factory: type[Factory]) -> None:
    drop = _accuracy_drop(factory, _seed_dependent_runs(factory))
    half = float(student.isf(0.025, 8)) * sqrt(2.5) / 8 / sqrt(10)

    assert drop is not None
    assert (drop.low, drop.high) == pytest.approx((3 / 8 - half, 3 / 8 + half))


def test_both_splits_add_their_variances(factory: type[Factory]) -> None:
    """Both protocols have 3 to 7 of 8 clips correct: no drop; variances and degrees of freedom add up."""

    def choose(spec: RunSpec) -> RunResult:
        return factory.run_from_correctness(spec, [c // 12 < 3 + spec.seed for c in range(96)], subjects=12)

    drop = _accuracy_drop(factory, choose, only=("proposed",))
    half = float(student.isf(0.025, 8)) * sqrt(2 * 2.5 / 5) / 8

    assert drop is not None
    assert drop.difference == 0
    assert (drop.low, drop.high) == pytest.approx((-half, half))


def test_rise_is_a_negative_drop(factory: type[Factory]) -> None:
    drop = _accuracy_drop(factory, _seed_dependent_runs(factory, frame=2), only=("proposed",))

    assert drop is not None
    assert drop.difference == pytest.approx(-3 / 8)
    assert drop.high is not None
    assert drop.high < 0


def test_few_trainings_are_conditional(factory: type[Factory]) -> None:
    drop = _accuracy_drop(factory, _seed_dependent_runs(factory), seeds=(0, 1, 2, 3))

    assert drop is not None
    assert drop.is_conditional
    assert (drop.low, drop.high) == pytest.approx((1 - 4.5 / 8, 1 - 4.5 / 8)), "all subjects are equal"


def test_drop_is_conditional_if_one_side_is(factory: type[Factory]) -> None:
    """Each fold of `kfold` is a training of its own; under `frame` there is only one training."""
    study = factory.study(protocols=("frame", "kfold"), folds=(1, 8))

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(spec, [c % 5 > 0 for c in range(96)], subjects=12)
        return factory.fold_part(run) if spec.folds > 1 else run

    scored = evaluate_study(factory.finish(study, choose))
    drop = compute_accuracy_drop(scored.select_protocol("frame"), scored.select_protocol("kfold"))

    assert drop is not None
    assert drop.is_conditional
    assert drop.low is not None


def test_accuracy_counts_frames_under_the_strict_split(factory: type[Factory]) -> None:
    """Under `subject` half of the clips are correct; these have three frames each, the others one."""
    moved = _seed_dependent_runs(factory)

    def choose(spec: RunSpec) -> Any:
        if spec.protocol == "frame":
            return moved(spec)
        run = factory.run_from_correctness(spec, [c // 12 < 4 for c in range(96)], subjects=12)
        frames = [
            replace(p, id=f"{p.clip}/{n}")
            for p in run.predictions
            for n in range(3 if p.predicted_class == p.truth else 1)
        ]
        return replace(run, predictions=tuple(frames))

    drop = _accuracy_drop(factory, choose)

    assert drop is not None
    assert drop.strict_accuracy == pytest.approx(3 / 4)


@pytest.mark.parametrize("subjects", [1, 5])
def test_few_subjects_leave_the_difference_without_interval(factory: type[Factory], subjects: int) -> None:
    drop = _accuracy_drop(factory, _seed_dependent_runs(factory, subjects=subjects))

    assert drop is not None
    assert drop.difference == pytest.approx(3 / 8)
    assert (drop.low, drop.high) == (None, None)


@pytest.mark.parametrize("unnamed", ["frame", "subject"])
def test_unnamed_subjects_of_either_test_leave_no_interval(factory: type[Factory], unnamed: str) -> None:
    moved = _seed_dependent_runs(factory)

    def choose(spec: RunSpec) -> Any:
        run = moved(spec)
        return factory.nameless(run, "subject") if spec.protocol == unnamed else run

    drop = _accuracy_drop(factory, choose)

    assert drop is not None
    assert drop.low is None
    assert drop.difference == pytest.approx(3 / 8)


def test_networks_without_a_common_training_have_no_drop(factory: type[Factory]) -> None:
    moved = _seed_dependent_runs(factory)

    def choose(spec: RunSpec) -> Any:
        first = spec.architecture.name == "vgg16"
        return moved(spec) if spec.protocol == "frame" or (spec.seed < 2) == first else None

    assert _accuracy_drop(factory, choose) is None
    assert compute_accuracy_drop((), ()) is None
