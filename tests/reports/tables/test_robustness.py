from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from datasets.corruptions import CORRUPTIONS, STRENGTHS
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.robustness import (
    CLAIM_CONDITIONS,
    CLEAN,
    build_robustness_figure,
    build_robustness_table,
    compare_component,
    compute_robustness,
    estimate_drop_reduction,
)
from studies.arms import build_ablation_arms
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

Correct = Callable[[RunSpec, str, int, int], bool]


def _is_correct(spec: RunSpec, kind: str, strength: int, clip: int) -> bool:
    """Return whether a clip is correct: under rotation only with CBAM, and under noise up to strength 1."""
    has_cbam = spec.architecture.block.attention == "cbam"
    return {"rotation": has_cbam, "noise": strength <= 1}.get(kind, True)


def _evaluate(
    factory: type[Factory], is_correct: Correct = _is_correct, *, seeds: tuple[int, ...] = (0,)
) -> StudyEvaluation:
    """Evaluate the robustness check of the first two arms of the controlled ladder on 8 clips."""
    study = factory.study("ablation", protocols=("subject",), seeds=seeds)
    arms = build_ablation_arms("controlled")[:2]

    def choose(spec: RunSpec) -> RunResult:
        if spec.variant == "none":
            return factory.run_from_correctness(spec, [True] * 8, subjects=4)
        predictions = tuple(
            replace(prediction, id=prediction.clip, condition=f"{kind} {strength}")
            for kind in CORRUPTIONS
            for strength in STRENGTHS
            for prediction in factory.run_from_correctness(
                spec, [is_correct(spec, kind, strength, clip) for clip in range(8)], subjects=4
            ).predictions
        )
        return replace(factory.run(spec), predictions=predictions)

    checked = replace(study, design="controlled", arms=arms, checks=("robustness",))
    return evaluate_study(factory.finish(checked, choose))


def test_accuracy_is_the_mean_of_the_conditions(factory: type[Factory]) -> None:
    evaluation = _evaluate(factory)
    robustness = compute_robustness(evaluation, evaluation.outcomes[0])
    assert robustness is not None
    assert robustness.compute_accuracy(CLEAN) == 1
    assert robustness.compute_accuracy("rotation 1") == 0
    assert robustness.compute_accuracy("noise 1", "noise 2", "noise 3") == pytest.approx(1 / 3)
    assert len(robustness.run_keys) == 2


def test_accuracy_of_a_unit_is_the_share_of_the_trainings(factory: type[Factory]) -> None:
    evaluation = _evaluate(factory, lambda spec, kind, strength, clip: spec.seed == 0, seeds=(0, 1, 2, 3))
    robustness = compute_robustness(evaluation, evaluation.outcomes[0])
    assert robustness is not None
    assert set(robustness.accuracy_by_unit["blur 2"].values()) == {0.25}


def test_component_is_compared_by_the_drops(factory: type[Factory]) -> None:
    ((before, after),) = compare_component(_evaluate(factory), "subject", component="cbam")
    assert (before.outcome.arm.block.attention, after.outcome.arm.block.attention) == ("none", "cbam")
    gain = estimate_drop_reduction(before, after)
    assert gain is not None
    assert gain.value == pytest.approx(len(STRENGTHS) / len(CLAIM_CONDITIONS))
    rotation_gain = estimate_drop_reduction(before, after, ("rotation 2",))
    assert rotation_gain is not None
    assert rotation_gain.value == pytest.approx(1)


def test_claim_covers_pose_and_illumination_only() -> None:
    kinds = {condition.split()[0] for condition in CLAIM_CONDITIONS}
    assert kinds == {"rotation", "brightness", "contrast"}


def test_table_shows_the_mean_of_every_kind(factory: type[Factory]) -> None:
    table = build_robustness_table(_evaluate(factory))
    assert table is not None
    assert factory.column(table, "Clean") == ["100.00", "100.00"]
    assert factory.column(table, "Rotation") == ["0.00", "100.00"]
    assert factory.column(table, "Noise") == ["33.33", "33.33"]
    assert factory.column(table, "Change") == ["-27.78", "-11.11"]


def test_study_without_the_check_has_no_table_and_no_figure(factory: type[Factory]) -> None:
    evaluation = evaluate_study(factory.finish(factory.study()))
    assert compute_robustness(evaluation, evaluation.outcomes[0]) is None
    assert build_robustness_table(evaluation) is None
    assert build_robustness_figure(evaluation, "frame") is None


def test_figure_is_drawn_and_traces_its_runs(factory: type[Factory], tmp_path: Path) -> None:
    figure = build_robustness_figure(_evaluate(factory), "subject")
    assert figure is not None
    assert figure.draw is not None
    figure.draw(tmp_path / "accuracy.png")
    assert (tmp_path / "accuracy.png").is_file()
    assert len(figure.run_keys) == 4
