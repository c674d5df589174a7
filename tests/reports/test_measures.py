"""Robustness, imbalance, gradients and latency: their tables, and what becomes of the paper's claims."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datasets.corrupt import CORRUPTIONS, STRENGTHS
from reports.claim_checks import CHECKS
from reports.gradients import gradient_figure, gradient_table
from reports.imbalance import imbalance_table, losses
from reports.latency import latency_table
from reports.outcomes import outcomes
from reports.robustness import robustness_figure, robustness_table
from studies.arms import ablation
from studies.results import Epoch, Timing

SUBJECTS = 8
CLIPS = 40


def _study(built: Any, checks: tuple[str, ...], *, dataset: str = "casme2", seeds: Any = (0,)) -> Any:
    """The controlled ladder under subject, with these checks."""
    base = built.study("ablation", dataset=dataset, protocols=("subject",), seeds=seeds)
    return replace(base, design="controlled", arms=ablation("controlled"), checks=checks)


def _changed(built: Any, spec: Any, right: Any) -> Any:
    """A robustness check in which clip n is right under `kind` at `strength` if right(kind, strength, n)."""
    conditions = [(kind, strength) for kind in CORRUPTIONS for strength in STRENGTHS]
    told = tuple(
        replace(prediction, id=prediction.clip, condition=f"{kind} {strength}")
        for kind, strength in conditions
        for prediction in built.answered(
            spec, [right(kind, strength, clip) for clip in range(CLIPS)], subjects=SUBJECTS
        ).predictions
    )
    return replace(built.run(spec), predictions=told, history=(), best_epoch=0)


def _robust(built: Any, *, spared: int, without: int = 0, dataset: str = "casme2") -> Any:
    """Under rotation `without` of each subject's five clips are right without CBAM, `spared` with it."""

    def choose(spec: Any) -> Any:
        if spec.control == "none":
            return built.answered(spec, [True] * CLIPS, subjects=SUBJECTS)
        cbam = spec.architecture.block.attention == "cbam"
        kept = spared if cbam else without
        return _changed(
            built, spec, lambda kind, strength, clip: kind != "rotation" or clip // SUBJECTS < kept
        )

    return outcomes(built.finish(_study(built, ("robustness",), dataset=dataset), choose))


def test_the_fall_is_counted_by_kind_over_its_strengths(built: Any, tmp_path: Path) -> None:
    study = _robust(built, spared=3)
    table = robustness_table(study)
    assert table is not None
    assert built.column(table, "As they are") == ["100.00"] * 5
    assert built.column(table, "Rotation") == ["0.00"] + ["60.00"] * 4
    assert built.column(table, "Noise") == ["100.00"] * 5
    assert built.column(table, "All")[0] == "83.33"
    assert built.column(table, "Change")[:2] == ["-16.67", "-6.67"]
    assert any("+20.00 [+20.00 to +20.00]" in note for note in table.notes)
    (tmp_path / "figures").mkdir()
    figure = robustness_figure(study, "subject", out=tmp_path)
    assert figure is not None
    assert (tmp_path / figure.file).stat().st_size > 5_000


@pytest.mark.parametrize(
    ("spared", "without", "word"),
    [(3, 0, "reproduced"), (0, 3, "not reproduced"), (1, 1, "undecidable at this n")],
)
def test_cbam_is_robust_if_it_falls_less_than_its_twin(
    built: Any, spared: int, without: int, word: str
) -> None:
    found = CHECKS["robust"]([_robust(built, spared=spared, without=without)], "subject")
    assert found.word == word
    assert "vgg16-bn-gap+cbam over vgg16-bn-gap" in found.ours


def _without_spread(built: Any, spec: Any) -> Any:
    """A run in which the network gives every sample the first class."""
    return built.answered(spec, [clip < CLIPS // 2 for clip in range(CLIPS)], subjects=SUBJECTS)


def test_a_network_that_collapsed_cannot_fall_and_proves_nothing(built: Any) -> None:
    def choose(spec: Any) -> Any:
        cbam = spec.architecture.block.attention == "cbam"
        if not cbam and spec.control == "none":
            return _without_spread(built, spec)
        if not cbam:
            return _changed(built, spec, lambda kind, strength, clip: clip < CLIPS // 2)
        if spec.control == "none":
            return built.answered(spec, [True] * CLIPS, subjects=SUBJECTS)
        return _changed(built, spec, lambda kind, strength, clip: kind != "rotation")

    study = outcomes(built.finish(_study(built, ("robustness",)), choose))
    found = CHECKS["robust"]([study], "subject")
    assert found.word == "undecidable at this n"
    assert "collapsed" in found.why
    table = robustness_table(study)
    assert table is not None
    assert any("over vgg16-bn-gap (collapsed)" in note for note in table.notes)


def test_falls_are_compared_over_the_seeds_that_both_arms_finished(built: Any) -> None:
    def choose(spec: Any) -> Any:
        bare = spec.architecture.block.attention == "none"
        if bare and spec.seed == 1:
            return None
        if spec.control == "none":
            return built.answered(spec, [True] * CLIPS, subjects=SUBJECTS)
        # With CBAM everything holds in the seed that both have, and nothing in the other.
        return _changed(built, spec, lambda kind, strength, clip: spec.seed == 0 and not bare)

    study = outcomes(built.finish(_study(built, ("robustness",), seeds=(0, 1)), choose))
    assert CHECKS["robust"]([study], "subject").ours.startswith("+100.00 points")


def test_robustness_without_the_check_or_on_other_data_is_not_testable(built: Any) -> None:
    unchecked = outcomes(built.finish(_study(built, ())))
    assert robustness_table(unchecked) is None
    assert CHECKS["robust"]([unchecked], "subject").word == "not testable here"
    elsewhere = _robust(built, spared=3, dataset="synthetic")
    assert CHECKS["robust"]([elsewhere], "subject").word == "not testable here"


def _imbalanced(built: Any, *, kept: int, plain: int = 0) -> Any:
    """Class 1 is rare in training; either loss gets so many of each subject's two or three clips right."""

    def choose(spec: Any) -> Any:
        rare_right = kept if spec.control == "none" else plain
        right = [clip < CLIPS // 2 or (clip - CLIPS // 2) // SUBJECTS < rare_right for clip in range(CLIPS)]
        run = built.answered(spec, right, subjects=SUBJECTS)
        return replace(run, data=replace(run.data, train=(70, 5, 0, 0, 0, 0)))

    return outcomes(built.finish(_study(built, ("cross-entropy",)), choose))


def test_each_class_is_set_beside_cross_entropy_and_the_rare_ones_are_summed_up(built: Any) -> None:
    study = _imbalanced(built, kept=2)
    table = imbalance_table(study)
    assert table is not None
    assert built.column(table, "Class")[:2] == ["disgust", "fear (rare)"]
    assert built.column(table, "Recall, focal")[:2] == ["100.00", "80.00"]
    assert built.column(table, "Recall, cross-entropy")[:2] == ["100.00", "0.00"]
    assert built.column(table, "Change")[:3] == ["0.00", "+80.00", "–"]
    found = losses(study, "subject")
    assert found is not None
    assert [found.classes[c] for c in found.rare][:1] == ["fear"]


def test_a_class_is_scored_over_the_seeds_whose_test_has_it(built: Any) -> None:
    def choose(spec: Any) -> Any:
        # The second seed's test has the first class alone.
        run = built.answered(spec, [True] * CLIPS, subjects=SUBJECTS)
        kept = [p for p in run.predictions if spec.seed == 0 or p.truth == 0]
        return replace(run, predictions=tuple(kept))

    table = imbalance_table(outcomes(built.finish(_study(built, ("cross-entropy",), seeds=(0, 1)), choose)))
    assert table is not None
    assert built.column(table, "Recall, focal")[:3] == ["100.00 ± 0.00", "100.00", "–"]
    assert built.column(table, "F1, cross-entropy")[:3] == ["100.00 ± 0.00", "100.00", "–"]


def test_answering_a_rare_class_alone_does_not_keep_it_up(built: Any) -> None:
    def choose(spec: Any) -> Any:
        focal = spec.control == "none"
        right = [(clip >= CLIPS // 2) == focal for clip in range(CLIPS)]
        run = built.answered(spec, right, subjects=SUBJECTS)
        return replace(run, data=replace(run.data, train=(70, 5, 0, 0, 0, 0)))

    study = outcomes(built.finish(_study(built, ("cross-entropy",)), choose))
    found = CHECKS["imbalance"]([study], "subject")
    assert found.ours.startswith("+100.00 points")
    assert (found.word, found.why) == ("undecidable at this n", "with the focal loss the network collapsed")


def test_the_loss_is_judged_on_the_proposed_network_alone(built: Any) -> None:
    base = built.study(only=("vgg16", "resnet34"), protocols=("subject",))
    study = outcomes(built.finish(replace(base, checks=("cross-entropy",))))
    assert imbalance_table(study) is not None
    assert CHECKS["imbalance"]([study], "subject").word == "not testable here"


@pytest.mark.parametrize(
    ("kept", "plain", "word"),
    [(2, 0, "reproduced"), (0, 2, "not reproduced"), (1, 1, "undecidable at this n")],
)
def test_focal_loss_keeps_rare_classes_up_if_their_recall_rises(
    built: Any, kept: int, plain: int, word: str
) -> None:
    study = _imbalanced(built, kept=kept, plain=plain)
    assert CHECKS["imbalance"]([study], "subject").word == word


def _with_gradients(built: Any, *, skips: float, bare: float, seeds: int = 3) -> Any:
    def choose(spec: Any) -> Any:
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

    return outcomes(built.finish(_study(built, (), seeds=tuple(range(seeds))), choose))


def test_gradient_ratios_are_averaged_as_logarithms_of_the_arms_that_differ_in_skips(
    built: Any, tmp_path: Path
) -> None:
    study = _with_gradients(built, skips=0.5, bare=0.02)
    table = gradient_table(study)
    assert table is not None
    assert built.column(table, "Skips") == ["no", "yes"]
    assert built.column(table, "First epoch") == ["0.01", "0.25"]
    assert built.column(table, "All epochs") == ["0.02", "0.5"]
    assert built.column(table, "Runs") == ["3", "3"]
    (tmp_path / "figures").mkdir()
    figure = gradient_figure(study, out=tmp_path)
    assert figure is not None
    assert (tmp_path / figure.file).stat().st_size > 5_000


@pytest.mark.parametrize(
    ("skips", "bare", "seeds", "word"),
    [
        (0.5, 0.02, 3, "reproduced"),
        (0.02, 0.5, 3, "not reproduced"),
        (4.0, 2.0, 3, "not reproduced"),  # nothing vanishes without skips
        (0.5, 0.02, 2, "undecidable at this n"),
    ],
)
def test_skips_help_where_gradients_vanish_without(
    built: Any, skips: float, bare: float, seeds: int, word: str
) -> None:
    study = _with_gradients(built, skips=skips, bare=bare, seeds=seeds)
    assert CHECKS["gradients"]([study], "subject").word == word


def _timed(built: Any, *, face: float, network: float) -> Any:
    def choose(spec: Any) -> Any:
        run = built.run(spec)
        if spec.control != "latency":
            return run
        parts = (("face", face), ("network", network))
        timings = tuple(
            Timing(part=part, milliseconds=tuple(ms + n / 100 for n in range(100)))  # type: ignore[arg-type]
            for part, ms in parts
        )
        return replace(run, predictions=(), history=(), timings=timings)

    return outcomes(built.finish(_study(built, ("latency",)), choose))


def test_latency_adds_the_face_picture_by_picture(built: Any) -> None:
    table = latency_table(_timed(built, face=10, network=5))
    assert table is not None
    assert built.column(table, "Network")[-1] == "proposed"
    assert built.column(table, "Alone p50")[0] == "5.5"
    assert built.column(table, "With face p50")[0] == "16.0"
    assert built.column(table, "With face p99")[0] == "17.0"
    assert built.column(table, "Pictures a second")[0] == f"{1000 / 15.99:.1f}"


@pytest.mark.parametrize(("network", "word"), [(20, "reproduced"), (24, "not reproduced")])
def test_real_time_is_what_ordinary_video_leaves(built: Any, network: float, word: str) -> None:
    found = CHECKS["real-time"]([_timed(built, face=10, network=network)], "subject")
    assert found.word == word
    assert "on cpu" in found.why
