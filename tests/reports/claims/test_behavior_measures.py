"""Tests of robustness, imbalance, gradients, latency and convergence: tables, and claims for and against."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from datasets.corruptions import CORRUPTIONS, STRENGTHS
from reports.claims.catalogue import CLAIMS
from reports.claims.rules import ClaimResult
from reports.convergence import compute_convergence
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.gradients import build_gradient_figure, build_gradient_table
from reports.tables.latency import build_latency_table
from reports.tables.loss_comparison import build_loss_table, compare_losses
from reports.tables.robustness import build_robustness_figure, build_robustness_table
from studies.arms import build_ablation_arms
from studies.results import Epoch, RunResult, Timing
from studies.spec import Check, RunSpec
from studies.study import Study
from tests.reports.conftest import Factory

SUBJECTS = 8
CLIPS = 40
TRAININGS = (0, 1, 2, 3, 4)
FOR, AGAINST, OPEN = "reproduced", "not reproduced", "undecidable at this n"


def _judge(claim: str, *studies: Any, protocol: str = "subject") -> ClaimResult:
    return next(claim_rule for claim_rule in CLAIMS if claim_rule.id == claim).judge(studies, protocol)


def _study(
    factory: type[Factory], checks: tuple[Check, ...], *, dataset: str = "casme2", seeds: Any = (0,)
) -> Study:
    """Return the controlled ladder under `subject` with these checks."""
    base = factory.study("ablation", dataset=dataset, protocols=("subject",), seeds=seeds)
    return replace(base, design="controlled", arms=build_ablation_arms("controlled"), checks=checks)


def _corrupt(factory: type[Factory], spec: RunSpec, right: Any) -> RunResult:
    """Return a robustness run; right(kind, strength, n) is True if clip n is correct under a corruption."""
    conditions = [(kind, strength) for kind in CORRUPTIONS for strength in STRENGTHS]
    rows = tuple(
        replace(prediction, id=prediction.clip, condition=f"{kind} {strength}")
        for kind, strength in conditions
        for prediction in factory.run_from_correctness(
            spec, [right(kind, strength, clip) for clip in range(CLIPS)], subjects=SUBJECTS
        ).predictions
    )
    return replace(factory.run(spec), predictions=rows, history=(), best_epoch=0)


def _evaluate_robustness(
    factory: type[Factory],
    *,
    with_cbam: int,
    without_cbam: int = 0,
    dataset: str = "casme2",
    seeds: tuple[int, ...] = (0,),
) -> StudyEvaluation:
    """Return a study: under rotation `with_cbam` or `without_cbam` of 5 clips are correct."""

    def choose(spec: RunSpec) -> RunResult:
        if spec.variant == "none":
            return factory.run_from_correctness(spec, [True] * CLIPS, subjects=SUBJECTS)
        cbam = spec.architecture.block.attention == "cbam"
        correct_count = with_cbam if cbam else without_cbam
        return _corrupt(
            factory, spec, lambda kind, strength, clip: kind != "rotation" or clip // SUBJECTS < correct_count
        )

    study = _study(factory, ("robustness",), dataset=dataset, seeds=seeds)
    return evaluate_study(factory.finish(study, choose))


@pytest.fixture(scope="module")
def robustness_study(factory: type[Factory]) -> Callable[..., StudyEvaluation]:
    """Return `_evaluate_robustness`, which computes each study once."""
    return cache(partial(_evaluate_robustness, factory))


def test_accuracy_drop_is_averaged_by_kind_of_corruption(
    factory: type[Factory], robustness_study: Callable[..., StudyEvaluation], tmp_path: Path
) -> None:
    study = robustness_study(with_cbam=3)
    table = build_robustness_table(study)
    assert table is not None
    assert factory.column(table, "Clean") == ["100.00"] * 5
    assert factory.column(table, "Rotation") == ["0.00"] + ["60.00"] * 4
    assert factory.column(table, "Noise") == ["100.00"] * 5
    assert factory.column(table, "All")[0] == "83.33"
    assert factory.column(table, "Change")[:2] == ["-16.67", "-6.67"]
    assert any("+20.00 [+20.00 to +20.00]" in note for note in table.notes)
    (tmp_path / "figures").mkdir()
    figure = build_robustness_figure(study, "subject")
    assert figure is not None
    assert figure.draw is not None
    figure.draw(tmp_path / figure.file)
    assert (tmp_path / figure.file).stat().st_size > 5_000


@pytest.mark.parametrize(
    ("with_cbam", "without_cbam", "verdict"),
    [(3, 0, FOR), (0, 3, AGAINST), (1, 1, OPEN)],
)
def test_cbam_is_robust_if_its_accuracy_drops_less(
    robustness_study: Callable[..., StudyEvaluation], with_cbam: int, without_cbam: int, verdict: str
) -> None:
    result = _judge(
        "robust", robustness_study(with_cbam=with_cbam, without_cbam=without_cbam, seeds=TRAININGS)
    )
    assert result.verdict == verdict
    assert "vgg16-bn-gap+cbam over vgg16-bn-gap" in result.measured_text


def test_one_training_decides_no_robustness(robustness_study: Callable[..., StudyEvaluation]) -> None:
    result = _judge("robust", robustness_study(with_cbam=3))
    assert (result.verdict, result.reason) == (OPEN, "1 training (at least 5)")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ckplus", "verdict", "reason"),
    [
        ({"with_cbam": 3}, FOR, "2 of 2 comparisons support the claim, 0 oppose it"),
        (
            {"with_cbam": 0, "without_cbam": 3},
            OPEN,
            "1 of 2 comparisons support the claim, 1 oppose it (worse: vgg16-bn-gap+cbam over vgg16-bn-gap)",
        ),
    ],
)
def test_all_pairs_must_agree_on_robustness(
    robustness_study: Callable[..., StudyEvaluation], ckplus: dict[str, int], verdict: str, reason: str
) -> None:
    casme2 = robustness_study(with_cbam=3, seeds=TRAININGS)
    other = robustness_study(**ckplus, dataset="ckplus", seeds=TRAININGS)
    result = _judge("robust", casme2, other)
    assert (result.verdict, result.reason) == (verdict, reason)
    # The same runs in two studies are one pair.
    assert _judge("robust", casme2, casme2) == _judge("robust", casme2)


def _constant_run(factory: type[Factory], spec: RunSpec) -> RunResult:
    """Return a run whose network predicts the first class for every sample."""
    return factory.run_from_correctness(spec, [clip < CLIPS // 2 for clip in range(CLIPS)], subjects=SUBJECTS)


def test_collapsed_network_decides_no_robustness(
    factory: type[Factory], robustness_study: Callable[..., StudyEvaluation]
) -> None:
    def choose(spec: RunSpec) -> RunResult:
        cbam = spec.architecture.block.attention == "cbam"
        if not cbam and spec.variant == "none":
            return _constant_run(factory, spec)
        if not cbam:
            return _corrupt(factory, spec, lambda kind, strength, clip: clip < CLIPS // 2)
        if spec.variant == "none":
            return factory.run_from_correctness(spec, [True] * CLIPS, subjects=SUBJECTS)
        return _corrupt(factory, spec, lambda kind, strength, clip: kind != "rotation")

    study = evaluate_study(factory.finish(_study(factory, ("robustness",)), choose))
    result = _judge("robust", study)
    assert result.verdict == OPEN
    assert result.reason.startswith("a network collapsed in every pair")
    healthy = robustness_study(with_cbam=3, dataset="ckplus", seeds=TRAININGS)
    both = _judge("robust", study, healthy)
    assert both.verdict == FOR
    assert both.remark == "1 of 2 pairs are left out: a network collapsed"
    table = build_robustness_table(study)
    assert table is not None
    assert any("over vgg16-bn-gap (collapsed)" in note for note in table.notes)


def test_accuracy_drops_are_compared_for_common_seeds(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        bare = spec.architecture.block.attention == "none"
        if bare and spec.seed == 1:
            return None
        if spec.variant == "none":
            return factory.run_from_correctness(spec, [True] * CLIPS, subjects=SUBJECTS)
        # With CBAM all clips are correct in the shared seed, and none in the other.
        return _corrupt(factory, spec, lambda kind, strength, clip: spec.seed == 0 and not bare)

    study = evaluate_study(factory.finish(_study(factory, ("robustness",), seeds=(0, 1)), choose))
    assert _judge("robust", study).measured_text.startswith("+100.00 points")


def test_robustness_without_the_check_or_on_other_data_is_not_testable(
    factory: type[Factory], robustness_study: Callable[..., StudyEvaluation]
) -> None:
    unchecked = evaluate_study(factory.finish(_study(factory, ())))
    assert build_robustness_table(unchecked) is None
    assert _judge("robust", unchecked).verdict == "not testable here"
    other_data = robustness_study(with_cbam=3, dataset="synthetic")
    assert _judge("robust", other_data).verdict == "not testable here"


def _imbalance_study(
    factory: type[Factory], *, rare_correct: int, plain: int = 0, seeds: Any = (0,), dataset: str = "casme2"
) -> StudyEvaluation:
    """Return a study with rare class 1; `rare_correct` (focal) or `plain` clips are correct."""

    def choose(spec: RunSpec) -> RunResult:
        rare_right = rare_correct if spec.variant == "none" else plain
        right = [clip < CLIPS // 2 or (clip - CLIPS // 2) // SUBJECTS < rare_right for clip in range(CLIPS)]
        run = factory.run_from_correctness(spec, right, subjects=SUBJECTS)
        return replace(run, data=replace(run.data, train=(70, 5, 0, 0, 0, 0)))

    study = _study(factory, ("cross-entropy",), dataset=dataset, seeds=seeds)
    return evaluate_study(factory.finish(study, choose))


def test_classes_are_compared_with_cross_entropy_and_rare_ones_averaged(factory: type[Factory]) -> None:
    study = _imbalance_study(factory, rare_correct=2)
    table = build_loss_table(study)
    assert table is not None
    assert factory.column(table, "Class")[:2] == ["disgust", "fear (rare)"]
    assert factory.column(table, "Recall, focal")[:2] == ["100.00", "80.00"]
    assert factory.column(table, "Recall, cross-entropy")[:2] == ["100.00", "0.00"]
    assert factory.column(table, "Change")[:3] == ["0.00", "+80.00", "–"]
    comparison = compare_losses(study, "subject")
    assert comparison is not None
    assert [comparison.classes[c] for c in comparison.rare_classes][:1] == ["fear"]


def test_class_is_scored_for_seeds_whose_test_has_it(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        # The second seed's test set has only the first class.
        run = factory.run_from_correctness(spec, [True] * CLIPS, subjects=SUBJECTS)
        rows = [p for p in run.predictions if spec.seed == 0 or p.truth == 0]
        return replace(run, predictions=tuple(rows))

    table = build_loss_table(
        evaluate_study(factory.finish(_study(factory, ("cross-entropy",), seeds=(0, 1)), choose))
    )
    assert table is not None
    assert factory.column(table, "Recall, focal")[:3] == ["100.00 ± 0.00", "100.00", "–"]
    assert factory.column(table, "F1, cross-entropy")[:3] == ["100.00 ± 0.00", "100.00", "–"]


def test_predicting_only_a_rare_class_is_no_support(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        focal = spec.variant == "none"
        right = [(clip >= CLIPS // 2) == focal for clip in range(CLIPS)]
        run = factory.run_from_correctness(spec, right, subjects=SUBJECTS)
        return replace(run, data=replace(run.data, train=(70, 5, 0, 0, 0, 0)))

    study = evaluate_study(factory.finish(_study(factory, ("cross-entropy",), seeds=TRAININGS), choose))
    result = _judge("imbalance", study)
    assert result.measured_text.startswith("+100.00 points")
    assert (result.verdict, result.reason) == (OPEN, "with the focal loss the network collapsed")


def test_loss_claim_is_only_about_the_proposed_network(factory: type[Factory]) -> None:
    base = factory.study(only=("vgg16", "resnet34"), protocols=("subject",))
    study = evaluate_study(factory.finish(replace(base, checks=("cross-entropy",))))
    assert build_loss_table(study) is not None
    assert _judge("imbalance", study).verdict == "not testable here"


@pytest.mark.parametrize(
    ("focal_correct", "plain", "verdict"),
    [(2, 0, FOR), (0, 2, AGAINST), (1, 1, OPEN)],
)
def test_focal_loss_helps_rare_classes_if_their_recall_rises(
    factory: type[Factory], focal_correct: int, plain: int, verdict: str
) -> None:
    study = _imbalance_study(factory, rare_correct=focal_correct, plain=plain, seeds=TRAININGS)
    assert _judge("imbalance", study).verdict == verdict
    single = _judge("imbalance", _imbalance_study(factory, rare_correct=focal_correct, plain=plain))
    assert (single.verdict, single.reason) == (OPEN, "1 training (at least 5)")


def test_all_data_sets_must_agree_on_the_loss(factory: type[Factory]) -> None:
    casme2 = _imbalance_study(factory, rare_correct=2, seeds=TRAININGS)
    ckplus = _imbalance_study(factory, rare_correct=0, plain=2, seeds=TRAININGS, dataset="ckplus")
    result = _judge("imbalance", casme2, ckplus)
    assert result.verdict == OPEN
    assert result.reason == "1 of 2 comparisons support the claim, 1 oppose it (worse: CK+)"


def _gradient_study(
    factory: type[Factory], *, skips: float, bare: float, seeds: int = 3, dataset: str = "casme2"
) -> StudyEvaluation:
    def choose(spec: RunSpec) -> RunResult:
        level = skips if spec.architecture.block.residual else bare
        epochs = tuple(
            Epoch(
                number=n,
                train_loss=1.0,
                train_accuracy=0.5,
                validation_loss=1.0,
                validation_accuracy=0.5,
                seconds=1.0,
                gradient_ratio=level * factor,
            )
            for n, factor in ((1, 0.5), (2, 1.0), (3, 2.0))
        )
        return replace(factory.run(spec), history=epochs)

    study = _study(factory, (), seeds=tuple(range(seeds)), dataset=dataset)
    return evaluate_study(factory.finish(study, choose))


def test_gradient_ratios_are_averaged_as_logarithms_of_the_arms_that_differ_in_skips(
    factory: type[Factory], tmp_path: Path
) -> None:
    study = _gradient_study(factory, skips=0.5, bare=0.02)
    table = build_gradient_table(study)
    assert table is not None
    assert factory.column(table, "Skips") == ["no", "yes"]
    assert factory.column(table, "First epoch") == ["0.01", "0.25"]
    assert factory.column(table, "All epochs") == ["0.02", "0.5"]
    assert factory.column(table, "Runs") == ["3", "3"]
    (tmp_path / "figures").mkdir()
    figure = build_gradient_figure(study)
    assert figure is not None
    assert figure.draw is not None
    figure.draw(tmp_path / figure.file)
    assert (tmp_path / figure.file).stat().st_size > 5_000


@pytest.mark.parametrize(
    ("skips", "bare", "seeds", "verdict"),
    [
        (0.5, 0.02, 5, FOR),
        (0.02, 0.5, 5, AGAINST),
        (4.0, 2.0, 5, AGAINST),  # without skips no gradient vanishes
        (0.5, 0.02, 3, OPEN),
    ],
)
def test_skips_help_where_gradients_vanish_without(
    factory: type[Factory], skips: float, bare: float, seeds: int, verdict: str
) -> None:
    result = _judge("gradients", _gradient_study(factory, skips=skips, bare=bare, seeds=seeds))
    assert result.verdict == verdict


def test_all_pairs_must_agree_on_gradients(factory: type[Factory]) -> None:
    casme2 = _gradient_study(factory, skips=0.5, bare=0.02, seeds=5)
    same, other = (
        _gradient_study(factory, skips=skips, bare=bare, seeds=5, dataset="ckplus")
        for skips, bare in ((0.5, 0.02), (0.02, 0.5))
    )
    assert _judge("gradients", casme2, same).verdict == FOR
    result = _judge("gradients", casme2, other)
    assert result.verdict == OPEN
    assert result.reason.startswith("1 of 2 comparisons support the claim, 1 oppose it")


def test_folds_of_one_training_are_one_sign(factory: type[Factory]) -> None:
    study = _gradient_study(factory, skips=0.5, bare=0.02, seeds=1).study
    folded = replace(study, protocols=("kfold",), folds=(5,))

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        level = 0.5 if spec.architecture.block.residual else 0.02
        return replace(run, history=tuple(replace(e, gradient_ratio=level) for e in run.history))

    result = _judge("gradients", evaluate_study(factory.finish(folded, choose)), protocol="kfold")
    assert (result.verdict, result.reason) == (OPEN, "1 training (at least 5)")


def _latency_study(factory: type[Factory], *, face: float, network: float) -> StudyEvaluation:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        if spec.variant != "latency":
            return run
        parts = (("face", face), ("network", network))
        timings = tuple(
            Timing(phase=part, milliseconds=tuple(ms + n / 100 for n in range(100)))  # type: ignore[arg-type]
            for part, ms in parts
        )
        return replace(run, predictions=(), history=(), timings=timings)

    return evaluate_study(factory.finish(_study(factory, ("latency",)), choose))


def test_latency_adds_face_detection_by_image(factory: type[Factory]) -> None:
    table = build_latency_table(_latency_study(factory, face=10, network=5))
    assert table is not None
    assert factory.column(table, "Network")[-1] == "proposed"
    assert factory.column(table, "Without detection p50")[0] == "5.5"
    assert factory.column(table, "With detection p50")[0] == "16.0"
    assert factory.column(table, "With detection p99")[0] == "17.0"
    assert factory.column(table, "Images per second")[0] == f"{1000 / 15.99:.1f}"


@pytest.mark.parametrize(("network", "verdict"), [(20, FOR), (24, AGAINST)])
def test_real_time_is_the_pace_of_ordinary_video(
    factory: type[Factory], network: float, verdict: str
) -> None:
    result = _judge("real-time", _latency_study(factory, face=10, network=network))
    assert result.verdict == verdict
    assert "on cpu" in result.reason


FAST, SLOW, LEVEL = (0.5, 0.9, 0.9), (0.5, 0.3, 0.9), (0.2, 0.2, 0.2)


def _convergence_study(
    factory: type[Factory], curves: Any, *, seeds: int = 5, dataset: str = "casme2"
) -> StudyEvaluation:
    """Return VGG16, AlexNet and proposed with validation curves curves(network, seed); None means no run."""
    names = ("vgg16", "alexnet", "proposed")
    study = factory.study(only=names, protocols=("subject",), seeds=tuple(range(seeds)), dataset=dataset)

    def choose(spec: RunSpec) -> RunResult | None:
        curve = curves(spec.architecture.name, spec.seed)
        if curve is None:
            return None
        run = factory.run(spec, factory.collapsed if len(set(curve)) == 1 else factory.good)
        first = run.history[0]
        epochs = [replace(first, number=n, validation_accuracy=a) for n, a in enumerate(curve, start=1)]
        return replace(run, history=tuple(epochs))

    return evaluate_study(factory.finish(study, choose))


def _faster(name: str, seed: int) -> tuple[float, ...]:
    return FAST if name == "proposed" else SLOW


def _slower(name: str, seed: int) -> tuple[float, ...]:
    return SLOW if name == "proposed" else FAST


def test_convergence_is_compared_by_training(factory: type[Factory]) -> None:
    faster = _judge("converges", _convergence_study(factory, _faster))
    assert (faster.verdict, faster.reason) == (
        FOR,
        "5 of 5 trainings support the claim (sign test, p = 0.031)",
    )
    slower = _judge("converges", _convergence_study(factory, _slower))
    assert (slower.verdict, slower.reason) == (
        AGAINST,
        "0 of 5 trainings support the claim (sign test, p = 0.031)",
    )
    four = _judge("converges", _convergence_study(factory, _faster, seeds=4))
    assert (four.verdict, four.reason) == (OPEN, "4 trainings (at least 5)")


def test_training_must_converge_before_both_networks(factory: type[Factory]) -> None:
    result = _judge(
        "converges", _convergence_study(factory, lambda name, seed: SLOW if name == "vgg16" else FAST)
    )
    assert result.verdict == AGAINST


def test_only_trainings_of_all_three_networks_count(factory: type[Factory]) -> None:
    def by_seed(name: str, seed: int) -> tuple[float, float, float] | None:
        # proposed has no seed 0, in which the others converge fast.
        if name == "proposed":
            return None if seed == 0 else FAST
        return FAST if seed == 0 else SLOW

    result = _judge("converges", _convergence_study(factory, by_seed, seeds=6))
    assert result.verdict == FOR
    assert result.reason.startswith("5 of 5 trainings")


def test_collapsed_network_does_not_converge_first(factory: type[Factory]) -> None:
    always = _convergence_study(
        factory, lambda name, seed: {"proposed": FAST, "vgg16": LEVEL, "alexnet": SLOW}[name]
    )
    result = _judge("converges", always)
    assert result.verdict == OPEN
    assert result.reason.startswith("vgg16 collapsed")
    single = _convergence_study(
        factory,
        lambda name, seed: FAST if name == "proposed" else LEVEL if seed == 3 else SLOW,
        seeds=6,
    )
    assert _judge("converges", single).reason.startswith("5 of 5 trainings")


def test_both_data_sets_must_agree_on_convergence(factory: type[Factory]) -> None:
    casme2, same, other = (
        _convergence_study(factory, curves, dataset=dataset)
        for curves, dataset in ((_faster, "casme2"), (_faster, "ckplus"), (_slower, "ckplus"))
    )
    assert _judge("converges", casme2, same).verdict == FOR
    result = _judge("converges", casme2, other)
    assert result.verdict == OPEN
    assert result.reason.startswith("1 of 2 comparisons support the claim, 1 oppose it")


def test_convergence_counts_epochs_to_95_percent_and_decreases() -> None:
    def curve(*values: float) -> list[Epoch]:
        return [
            Epoch(
                number=n,
                train_loss=1,
                train_accuracy=0,
                validation_loss=1,
                validation_accuracy=value,
                seconds=1,
            )
            for n, value in enumerate(values, start=1)
        ]

    assert compute_convergence(curve(0.2, 0.96, 1.0)).epochs == 2
    assert compute_convergence(curve(0.2, 0.6, 1.0)).roughness == 0
    assert compute_convergence(curve(0.5, 0.3, 0.6)).roughness == pytest.approx(0.1)
