from collections.abc import Callable
from dataclasses import replace

import pytest

from reports.arm_differences import (
    SINGLE_SUBJECT_OBSTACLE,
    compute_differences,
    compute_null_difference,
    get_plan_status,
    judge_pairs,
)
from reports.outcomes import StudyEvaluation, evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from studies.study import build_null_arm
from tests.reports.conftest import Factory

FIVE = (0, 1, 2, 3, 4)
Correct = Callable[[RunSpec, int], bool]


def _evaluate(
    factory: type[Factory], is_correct: Correct, *, subjects: int = 10, seeds: tuple[int, ...] = FIVE
) -> StudyEvaluation:
    """Evaluate VGG16 and the proposed network on 40 clips; is_correct(run, clip) decides on each."""

    def choose(spec: RunSpec) -> RunResult:
        return factory.run_from_correctness(
            spec, [is_correct(spec, clip) for clip in range(40)], subjects=subjects
        )

    return evaluate_study(factory.finish(factory.study(protocols=("subject",), seeds=seeds), choose))


def _is_proposed_better(spec: RunSpec, clip: int) -> bool:
    """Return whether a clip is correct: all of the proposed network, and 3 of 4 of VGG16."""
    return spec.architecture.name == "proposed" or clip // 10 != 1


def test_difference_is_the_metric_of_after_minus_that_of_before(factory: type[Factory]) -> None:
    (difference,) = compute_differences(_evaluate(factory, _is_proposed_better), "subject")

    assert (difference.before.arm.name, difference.after.arm.name) == ("vgg16", "proposed")
    assert difference.value == pytest.approx(0.25)
    assert (difference.verdict.label, difference.training_count) == ("better", 5)
    assert difference.text.startswith("+25.00 [")
    assert len(difference.run_keys) == 10


def test_single_training_has_wins_losses_and_a_mcnemar_p(factory: type[Factory]) -> None:
    (difference,) = compute_differences(_evaluate(factory, _is_proposed_better, seeds=(0,)), "subject")

    assert (difference.wins, difference.losses) == (10, 0)
    assert difference.mcnemar_p == pytest.approx(2 * 0.5**10)


def test_multiple_trainings_have_no_mcnemar_p(factory: type[Factory]) -> None:
    (difference,) = compute_differences(_evaluate(factory, _is_proposed_better), "subject")

    assert (difference.wins, difference.losses, difference.mcnemar_p) == (None, None, None)


def test_single_subject_gives_a_value_and_no_verdict(factory: type[Factory]) -> None:
    (difference,) = compute_differences(_evaluate(factory, _is_proposed_better, subjects=1), "subject")

    assert (difference.estimate, difference.text) == (None, "+25.00")
    assert SINGLE_SUBJECT_OBSTACLE in difference.verdict.describe(0.05)


def test_two_collapsed_arms_are_not_estimated(factory: type[Factory]) -> None:
    evaluation = _evaluate(factory, lambda spec, clip: clip < 20, seeds=(0,))
    (difference,) = compute_differences(evaluation, "subject")

    assert (difference.verdict.label, difference.estimate) == ("both collapsed", None)
    assert difference.mcnemar_p is None


def test_another_metric_can_be_compared(factory: type[Factory]) -> None:
    # VGG16 has all of class 0 correct and 10 of the 20 clips of class 1.
    evaluation = _evaluate(factory, lambda spec, clip: spec.architecture.name == "proposed" or clip < 30)
    by_metric = {
        metric: compute_differences(evaluation, "subject", metric=metric)[0].value
        for metric in ("accuracy", "uf1")
    }
    assert by_metric["accuracy"] == pytest.approx(0.25)
    assert by_metric["uf1"] == pytest.approx(1 - (0.8 + 2 / 3) / 2)


def test_arm_without_a_common_training_has_no_difference(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        is_missing = (spec.architecture.name == "vgg16") == (spec.seed == 0)
        return None if is_missing else factory.run_from_correctness(spec, [True] * 40, subjects=10)

    study = factory.study(protocols=("subject",), seeds=(0, 1))
    assert compute_differences(evaluate_study(factory.finish(study, choose)), "subject") == ()


def test_family_size_counts_the_pairs_that_are_tested(factory: type[Factory]) -> None:
    evaluation = _evaluate(
        factory, lambda spec, clip: _is_proposed_better(spec, clip) or clip // 10 == spec.seed
    )
    pair = evaluation.select_protocol("subject")
    before, after = pair
    (single,) = judge_pairs([(before, after)], metric="accuracy", margin=0.05)
    first, second = judge_pairs([(before, after), (after, before)], metric="accuracy", margin=0.05)

    assert first.value == -second.value == single.value
    assert single.estimate is not None
    assert first.estimate is not None
    assert first.estimate.low is not None
    assert first.estimate.high is not None
    assert single.estimate.low is not None
    assert single.estimate.high is not None
    assert first.estimate.low <= single.estimate.low


def test_null_arm_is_compared_with_the_arm_that_it_repeats(factory: type[Factory]) -> None:
    evaluation = _evaluate(factory, _is_proposed_better)
    assert compute_null_difference(evaluation, "subject") is None
    study = evaluation.study
    study = replace(study, arms=(*study.arms, build_null_arm(study.primary_arm)))

    def choose(spec: RunSpec) -> RunResult:
        return factory.run_from_correctness(spec, [True] * 40, subjects=10)

    difference = compute_null_difference(evaluate_study(factory.finish(study, choose)), "subject")

    assert difference is not None
    assert {difference.before.arm.name, difference.after.arm.name} == {"proposed", "proposed (null)"}
    assert difference.value == 0


def test_plan_status_follows_the_result(factory: type[Factory]) -> None:
    result = factory.finish(factory.study())
    assert get_plan_status(evaluate_study(result)) == "exploratory"
    assert get_plan_status(evaluate_study(replace(result, is_confirmatory=True))) == "confirmatory"
