"""Tests of robustness, imbalance, gradients, latency and convergence: tables, and claims for and against."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from datasets.spec import CORRUPTIONS, STRENGTHS
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
from studies.spec import RunSpec
from studies.study import Study
from tests.reports.conftest import Built

SUBJECTS = 8
CLIPS = 40
TRAININGS = (0, 1, 2, 3, 4)
FOR, AGAINST, OPEN = "reproduced", "not reproduced", "undecidable at this n"


def _judge(claim: str, *studies: Any, protocol: str = "subject") -> ClaimResult:
    return next(each for each in CLAIMS if each.id == claim).judge(studies, protocol)


def _study(
    built: type[Built], checks: tuple[str, ...], *, dataset: str = "casme2", seeds: Any = (0,)
) -> Study:
    """Return the controlled ladder under `subject` with these checks."""
    base = built.study("ablation", dataset=dataset, protocols=("subject",), seeds=seeds)
    return replace(base, design="controlled", arms=build_ablation_arms("controlled"), checks=checks)


def _changed(built: type[Built], spec: RunSpec, right: Any) -> RunResult:
    """Return a robustness run; right(kind, strength, n) tells if clip n is correct under a corruption."""
    conditions = [(kind, strength) for kind in CORRUPTIONS for strength in STRENGTHS]
    told = tuple(
        replace(prediction, id=prediction.clip, condition=f"{kind} {strength}")
        for kind, strength in conditions
        for prediction in built.answered(
            spec, [right(kind, strength, clip) for clip in range(CLIPS)], subjects=SUBJECTS
        ).predictions
    )
    return replace(built.run(spec), predictions=told, history=(), best_epoch=0)


@cache
def _robust(
    built: type[Built],
    *,
    spared: int,
    without: int = 0,
    dataset: str = "casme2",
    seeds: tuple[int, ...] = (0,),
) -> StudyEvaluation:
    """Return a study: under rotation `without` (no CBAM) or `spared` (CBAM) of 5 clips are correct."""

    def choose(spec: RunSpec) -> RunResult:
        if spec.variant == "none":
            return built.answered(spec, [True] * CLIPS, subjects=SUBJECTS)
        cbam = spec.architecture.block.attention == "cbam"
        kept = spared if cbam else without
        return _changed(
            built, spec, lambda kind, strength, clip: kind != "rotation" or clip // SUBJECTS < kept
        )

    study = _study(built, ("robustness",), dataset=dataset, seeds=seeds)
    return evaluate_study(built.finish(study, choose))


def test_the_fall_is_counted_by_kind_over_its_strengths(built: type[Built], tmp_path: Path) -> None:
    study = _robust(built, spared=3)
    table = build_robustness_table(study)
    assert table is not None
    assert built.column(table, "Clean") == ["100.00"] * 5
    assert built.column(table, "Rotation") == ["0.00"] + ["60.00"] * 4
    assert built.column(table, "Noise") == ["100.00"] * 5
    assert built.column(table, "All")[0] == "83.33"
    assert built.column(table, "Change")[:2] == ["-16.67", "-6.67"]
    assert any("+20.00 [+20.00 to +20.00]" in note for note in table.notes)
    (tmp_path / "figures").mkdir()
    figure = build_robustness_figure(study, "subject")
    assert figure is not None
    assert figure.draw is not None
    figure.draw(tmp_path / figure.file)
    assert (tmp_path / figure.file).stat().st_size > 5_000


@pytest.mark.parametrize(
    ("spared", "without", "verdict"),
    [(3, 0, FOR), (0, 3, AGAINST), (1, 1, OPEN)],
)
def test_cbam_is_robust_if_it_falls_less_than_its_twin(
    built: type[Built], spared: int, without: int, verdict: str
) -> None:
    found = _judge("robust", _robust(built, spared=spared, without=without, seeds=TRAININGS))
    assert found.verdict == verdict
    assert "vgg16-bn-gap+cbam over vgg16-bn-gap" in found.measured_text


def test_one_training_decides_no_robustness(built: type[Built]) -> None:
    found = _judge("robust", _robust(built, spared=3))
    assert (found.verdict, found.reason) == (OPEN, "1 training (at least 5)")


@pytest.mark.parametrize(
    ("ckplus", "verdict", "reason"),
    [
        ({"spared": 3}, FOR, "2 of 2 comparisons support the claim, 0 oppose it"),
        (
            {"spared": 0, "without": 3},
            OPEN,
            "1 of 2 comparisons support the claim, 1 oppose it (worse: vgg16-bn-gap+cbam over vgg16-bn-gap)",
        ),
    ],
)
def test_all_pairs_must_agree_on_robustness(
    built: type[Built], ckplus: dict[str, int], verdict: str, reason: str
) -> None:
    casme2 = _robust(built, spared=3, seeds=TRAININGS)
    other = _robust(built, **ckplus, dataset="ckplus", seeds=TRAININGS)
    found = _judge("robust", casme2, other)
    assert (found.verdict, found.reason) == (verdict, reason)
    # The same runs in two studies are one pair.
    assert _judge("robust", casme2, casme2) == _judge("robust", casme2)


def _without_spread(built: type[Built], spec: RunSpec) -> RunResult:
    """Return a run whose network predicts the first class for every sample."""
    return built.answered(spec, [clip < CLIPS // 2 for clip in range(CLIPS)], subjects=SUBJECTS)


def test_a_network_that_collapsed_cannot_fall_and_proves_nothing(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        cbam = spec.architecture.block.attention == "cbam"
        if not cbam and spec.variant == "none":
            return _without_spread(built, spec)
        if not cbam:
            return _changed(built, spec, lambda kind, strength, clip: clip < CLIPS // 2)
        if spec.variant == "none":
            return built.answered(spec, [True] * CLIPS, subjects=SUBJECTS)
        return _changed(built, spec, lambda kind, strength, clip: kind != "rotation")

    study = evaluate_study(built.finish(_study(built, ("robustness",)), choose))
    found = _judge("robust", study)
    assert found.verdict == OPEN
    assert found.reason.startswith("a network collapsed in every pair")
    healthy = _robust(built, spared=3, dataset="ckplus", seeds=TRAININGS)
    together = _judge("robust", study, healthy)
    assert together.verdict == FOR
    assert together.remark == "1 of 2 pairs are left out: a network collapsed"
    table = build_robustness_table(study)
    assert table is not None
    assert any("over vgg16-bn-gap (collapsed)" in note for note in table.notes)


def test_falls_are_compared_over_the_seeds_that_both_arms_finished(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        bare = spec.architecture.block.attention == "none"
        if bare and spec.seed == 1:
            return None
        if spec.variant == "none":
            return built.answered(spec, [True] * CLIPS, subjects=SUBJECTS)
        # With CBAM all clips are correct in the shared seed, and none in the other.
        return _changed(built, spec, lambda kind, strength, clip: spec.seed == 0 and not bare)

    study = evaluate_study(built.finish(_study(built, ("robustness",), seeds=(0, 1)), choose))
    assert _judge("robust", study).measured_text.startswith("+100.00 points")


def test_robustness_without_the_check_or_on_other_data_is_not_testable(built: type[Built]) -> None:
    unchecked = evaluate_study(built.finish(_study(built, ())))
    assert build_robustness_table(unchecked) is None
    assert _judge("robust", unchecked).verdict == "not testable here"
    elsewhere = _robust(built, spared=3, dataset="synthetic")
    assert _judge("robust", elsewhere).verdict == "not testable here"


def _imbalanced(
    built: type[Built], *, kept: int, plain: int = 0, seeds: Any = (0,), dataset: str = "casme2"
) -> StudyEvaluation:
    """Return a study with rare class 1, `kept` (focal) or `plain` (cross-entropy) clips of it correct."""

    def choose(spec: RunSpec) -> RunResult:
        rare_right = kept if spec.variant == "none" else plain
        right = [clip < CLIPS // 2 or (clip - CLIPS // 2) // SUBJECTS < rare_right for clip in range(CLIPS)]
        run = built.answered(spec, right, subjects=SUBJECTS)
        return replace(run, data=replace(run.data, train=(70, 5, 0, 0, 0, 0)))

    study = _study(built, ("cross-entropy",), dataset=dataset, seeds=seeds)
    return evaluate_study(built.finish(study, choose))


def test_each_class_is_set_beside_cross_entropy_and_the_rare_ones_are_summed_up(built: type[Built]) -> None:
    study = _imbalanced(built, kept=2)
    table = build_loss_table(study)
    assert table is not None
    assert built.column(table, "Class")[:2] == ["disgust", "fear (rare)"]
    assert built.column(table, "Recall, focal")[:2] == ["100.00", "80.00"]
    assert built.column(table, "Recall, cross-entropy")[:2] == ["100.00", "0.00"]
    assert built.column(table, "Change")[:3] == ["0.00", "+80.00", "–"]
    found = compare_losses(study, "subject")
    assert found is not None
    assert [found.classes[c] for c in found.rare_classes][:1] == ["fear"]


def test_a_class_is_scored_over_the_seeds_whose_test_has_it(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        # The second seed's test set has only the first class.
        run = built.answered(spec, [True] * CLIPS, subjects=SUBJECTS)
        kept = [p for p in run.predictions if spec.seed == 0 or p.truth == 0]
        return replace(run, predictions=tuple(kept))

    table = build_loss_table(
        evaluate_study(built.finish(_study(built, ("cross-entropy",), seeds=(0, 1)), choose))
    )
    assert table is not None
    assert built.column(table, "Recall, focal")[:3] == ["100.00 ± 0.00", "100.00", "–"]
    assert built.column(table, "F1, cross-entropy")[:3] == ["100.00 ± 0.00", "100.00", "–"]


def test_answering_a_rare_class_alone_does_not_keep_it_up(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        focal = spec.variant == "none"
        right = [(clip >= CLIPS // 2) == focal for clip in range(CLIPS)]
        run = built.answered(spec, right, subjects=SUBJECTS)
        return replace(run, data=replace(run.data, train=(70, 5, 0, 0, 0, 0)))

    study = evaluate_study(built.finish(_study(built, ("cross-entropy",), seeds=TRAININGS), choose))
    found = _judge("imbalance", study)
    assert found.measured_text.startswith("+100.00 points")
    assert (found.verdict, found.reason) == (OPEN, "with the focal loss the network collapsed")


def test_the_loss_is_judged_on_the_proposed_network_alone(built: type[Built]) -> None:
    base = built.study(only=("vgg16", "resnet34"), protocols=("subject",))
    study = evaluate_study(built.finish(replace(base, checks=("cross-entropy",))))
    assert build_loss_table(study) is not None
    assert _judge("imbalance", study).verdict == "not testable here"


@pytest.mark.parametrize(
    ("kept", "plain", "verdict"),
    [(2, 0, FOR), (0, 2, AGAINST), (1, 1, OPEN)],
)
def test_focal_loss_keeps_rare_classes_up_if_their_recall_rises(
    built: type[Built], kept: int, plain: int, verdict: str
) -> None:
    study = _imbalanced(built, kept=kept, plain=plain, seeds=TRAININGS)
    assert _judge("imbalance", study).verdict == verdict
    once = _judge("imbalance", _imbalanced(built, kept=kept, plain=plain))
    assert (once.verdict, once.reason) == (OPEN, "1 training (at least 5)")


def test_all_data_sets_must_agree_on_the_loss(built: type[Built]) -> None:
    casme2 = _imbalanced(built, kept=2, seeds=TRAININGS)
    ckplus = _imbalanced(built, kept=0, plain=2, seeds=TRAININGS, dataset="ckplus")
    found = _judge("imbalance", casme2, ckplus)
    assert found.verdict == OPEN
    assert found.reason == "1 of 2 comparisons support the claim, 1 oppose it (worse: CK+)"


def _with_gradients(
    built: type[Built], *, skips: float, bare: float, seeds: int = 3, dataset: str = "casme2"
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
        return replace(built.run(spec), history=epochs)

    study = _study(built, (), seeds=tuple(range(seeds)), dataset=dataset)
    return evaluate_study(built.finish(study, choose))


def test_gradient_ratios_are_averaged_as_logarithms_of_the_arms_that_differ_in_skips(
    built: type[Built], tmp_path: Path
) -> None:
    study = _with_gradients(built, skips=0.5, bare=0.02)
    table = build_gradient_table(study)
    assert table is not None
    assert built.column(table, "Skips") == ["no", "yes"]
    assert built.column(table, "First epoch") == ["0.01", "0.25"]
    assert built.column(table, "All epochs") == ["0.02", "0.5"]
    assert built.column(table, "Runs") == ["3", "3"]
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
    built: type[Built], skips: float, bare: float, seeds: int, verdict: str
) -> None:
    found = _judge("gradients", _with_gradients(built, skips=skips, bare=bare, seeds=seeds))
    assert found.verdict == verdict


def test_all_pairs_must_agree_on_gradients(built: type[Built]) -> None:
    casme2 = _with_gradients(built, skips=0.5, bare=0.02, seeds=5)
    same, other = (
        _with_gradients(built, skips=skips, bare=bare, seeds=5, dataset="ckplus")
        for skips, bare in ((0.5, 0.02), (0.02, 0.5))
    )
    assert _judge("gradients", casme2, same).verdict == FOR
    found = _judge("gradients", casme2, other)
    assert found.verdict == OPEN
    assert found.reason.startswith("1 of 2 comparisons support the claim, 1 oppose it")


def test_folds_of_one_training_are_one_sign(built: type[Built]) -> None:
    study = _with_gradients(built, skips=0.5, bare=0.02, seeds=1).study
    folded = replace(study, protocols=("kfold",), folds=(5,))

    def choose(spec: RunSpec) -> RunResult:
        run = built.run(spec)
        level = 0.5 if spec.architecture.block.residual else 0.02
        return replace(run, history=tuple(replace(e, gradient_ratio=level) for e in run.history))

    found = _judge("gradients", evaluate_study(built.finish(folded, choose)), protocol="kfold")
    assert (found.verdict, found.reason) == (OPEN, "1 training (at least 5)")


def _timed(built: type[Built], *, face: float, network: float) -> StudyEvaluation:
    def choose(spec: RunSpec) -> RunResult:
        run = built.run(spec)
        if spec.variant != "latency":
            return run
        parts = (("face", face), ("network", network))
        timings = tuple(
            Timing(phase=part, milliseconds=tuple(ms + n / 100 for n in range(100)))  # type: ignore[arg-type]
            for part, ms in parts
        )
        return replace(run, predictions=(), history=(), timings=timings)

    return evaluate_study(built.finish(_study(built, ("latency",)), choose))


def test_latency_adds_the_face_picture_by_picture(built: type[Built]) -> None:
    table = build_latency_table(_timed(built, face=10, network=5))
    assert table is not None
    assert built.column(table, "Network")[-1] == "proposed"
    assert built.column(table, "Without detection p50")[0] == "5.5"
    assert built.column(table, "With detection p50")[0] == "16.0"
    assert built.column(table, "With detection p99")[0] == "17.0"
    assert built.column(table, "Images per second")[0] == f"{1000 / 15.99:.1f}"


@pytest.mark.parametrize(("network", "verdict"), [(20, FOR), (24, AGAINST)])
def test_real_time_is_the_pace_of_ordinary_video(built: type[Built], network: float, verdict: str) -> None:
    found = _judge("real-time", _timed(built, face=10, network=network))
    assert found.verdict == verdict
    assert "on cpu" in found.reason


FAST, SLOW, LEVEL = (0.5, 0.9, 0.9), (0.5, 0.3, 0.9), (0.2, 0.2, 0.2)


def _converging(
    built: type[Built], curves: Any, *, seeds: int = 5, dataset: str = "casme2"
) -> StudyEvaluation:
    """Return VGG16, AlexNet and proposed with validation curves curves(network, seed); None means no run."""
    names = ("vgg16", "alexnet", "proposed")
    study = built.study(only=names, protocols=("subject",), seeds=tuple(range(seeds)), dataset=dataset)

    def choose(spec: RunSpec) -> RunResult | None:
        curve = curves(spec.architecture.name, spec.seed)
        if curve is None:
            return None
        run = built.run(spec, built.collapsed if len(set(curve)) == 1 else built.good)
        first = run.history[0]
        epochs = [replace(first, number=n, validation_accuracy=a) for n, a in enumerate(curve, start=1)]
        return replace(run, history=tuple(epochs))

    return evaluate_study(built.finish(study, choose))


def _faster(name: str, seed: int) -> tuple[float, ...]:
    return FAST if name == "proposed" else SLOW


def _slower(name: str, seed: int) -> tuple[float, ...]:
    return SLOW if name == "proposed" else FAST


def test_convergence_is_compared_training_by_training(built: type[Built]) -> None:
    faster = _judge("converges", _converging(built, _faster))
    assert (faster.verdict, faster.reason) == (
        FOR,
        "5 of 5 trainings support the claim (sign test, p = 0.031)",
    )
    slower = _judge("converges", _converging(built, _slower))
    assert (slower.verdict, slower.reason) == (
        AGAINST,
        "0 of 5 trainings support the claim (sign test, p = 0.031)",
    )
    four = _judge("converges", _converging(built, _faster, seeds=4))
    assert (four.verdict, four.reason) == (OPEN, "4 trainings (at least 5)")


def test_a_training_must_beat_both_networks(built: type[Built]) -> None:
    found = _judge("converges", _converging(built, lambda name, seed: SLOW if name == "vgg16" else FAST))
    assert found.verdict == AGAINST


def test_only_trainings_of_all_three_networks_count(built: type[Built]) -> None:
    def by_seed(name: str, seed: int) -> tuple[float, float, float] | None:
        # proposed lacks seed 0, in which the others converge fast.
        if name == "proposed":
            return None if seed == 0 else FAST
        return FAST if seed == 0 else SLOW

    found = _judge("converges", _converging(built, by_seed, seeds=6))
    assert found.verdict == FOR
    assert found.reason.startswith("5 of 5 trainings")


def test_a_network_that_never_learned_did_not_converge_first(built: type[Built]) -> None:
    always = _converging(built, lambda name, seed: {"proposed": FAST, "vgg16": LEVEL, "alexnet": SLOW}[name])
    found = _judge("converges", always)
    assert found.verdict == OPEN
    assert found.reason.startswith("vgg16 collapsed")
    once = _converging(
        built,
        lambda name, seed: FAST if name == "proposed" else LEVEL if seed == 3 else SLOW,
        seeds=6,
    )
    assert _judge("converges", once).reason.startswith("5 of 5 trainings")


def test_both_data_sets_must_agree_on_convergence(built: type[Built]) -> None:
    casme2, same, other = (
        _converging(built, curves, dataset=dataset)
        for curves, dataset in ((_faster, "casme2"), (_faster, "ckplus"), (_slower, "ckplus"))
    )
    assert _judge("converges", casme2, same).verdict == FOR
    found = _judge("converges", casme2, other)
    assert found.verdict == OPEN
    assert found.reason.startswith("1 of 2 comparisons support the claim, 1 oppose it")


def test_convergence_counts_epochs_to_95_percent_and_falls_alone() -> None:
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
