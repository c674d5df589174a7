from dataclasses import replace
from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.pairing import PairedOutcomes, _select_balanced, estimate_unit_mean, pair_outcomes
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built

FIVE = (0, 1, 2, 3, 4)
GAIN = {"proposed": 1.0, "vgg16": -1.0}


def _paired(
    built: type[Built], choose: Any, *, protocol: str = "subject", metric: Any = "accuracy", **kwargs: Any
) -> PairedOutcomes | None:
    """Return the paired outcomes of vgg16 and proposed under one protocol."""
    by_frame = kwargs.pop("by_frame", False)
    study = evaluate_study(built.finish(built.study(protocols=(protocol,), **kwargs), choose))
    return pair_outcomes(study.select_protocol(protocol), metric, by_frame=by_frame)


def _gaining(built: type[Built], gains: tuple[int, ...], *, clips: int = 4) -> Any:
    """Return runs: proposed has 2 of `clips` clips per subject correct, vgg16 `gains` fewer."""

    def choose(spec: RunSpec) -> RunResult:
        own = spec.architecture.name == "vgg16"
        subjects = len(gains)
        right = [c // subjects < 2 - own * gains[c % subjects] for c in range(clips * subjects)]
        return built.answered(spec, right, subjects=subjects)

    return choose


@pytest.mark.parametrize(
    ("gains", "p"),
    [
        ((1, 1, 1, 1, 1, 1), 1 / 32),
        ((2, 1, 1, 1, 1, 1), 1 / 32),
        ((1, 1, 1, 1, 1, -1), 7 / 32),
        ((1, 1, 1, -1, -1, -1), 1),
    ],
)
def test_p_is_the_share_of_sign_patterns_that_reach_the_sum(built: type[Built], gains: Any, p: float) -> None:
    """Up to a common sign, 6 signs have 32 patterns: 1 with all signs equal, 6 with a single sign flipped."""
    found = _paired(built, _gaining(built, gains))
    (estimate,) = found.compare_contrasts([GAIN])

    assert estimate.value == found.compute_value(GAIN) == pytest.approx(sum(gains) / 24)
    assert estimate.p == pytest.approx(p)
    assert (estimate.low > 0) == (p < 0.05)
    assert (estimate.cluster_count, estimate.unit_count, estimate.training_count) == (6, 24, 1)


def test_a_subject_with_more_clips_has_more_weight(built: type[Built]) -> None:
    """Subject 0 has 6 of 12 clips; the value is a mean over clips, not over subjects."""

    def choose(spec: RunSpec) -> RunResult:
        made = built.answered(
            spec, [c < 6 or spec.architecture.name == "vgg16" for c in range(12)], subjects=1
        )
        named = [replace(p, subject=f"s{max(0, n - 5)}") for n, p in enumerate(made.predictions)]
        return replace(made, predictions=tuple(named))

    found = _paired(built, choose)

    assert len(found.clusters) == 7
    assert found.compute_value(GAIN) == pytest.approx(-0.5)


def test_units_are_matched_by_name_and_not_by_place(built: type[Built]) -> None:
    gains = _gaining(built, (1, 1, 2, 1, 0, 1), clips=8)

    def turned(spec: RunSpec) -> Any:
        made = gains(spec)
        if spec.architecture.name == "vgg16":
            made = replace(made, predictions=made.predictions[::-1])
        return made

    (found,), (expected,) = (_paired(built, choose).compare_contrasts([GAIN]) for choose in (turned, gains))
    assert (found.value, found.p) == (expected.value, expected.p) == (0.125, 2 / 32)
    assert found.subject_se == pytest.approx(expected.subject_se)
    assert _paired(built, turned).count_wins_and_losses("vgg16", "proposed") == (6, 0)


@pytest.mark.parametrize("subjects", [8, 12])
def test_folds_are_the_clusters_of_kfold_and_subjects_those_of_frame(
    built: type[Built], subjects: int
) -> None:
    def choose(spec: RunSpec) -> RunResult:
        right = [c % 5 != 0 or spec.architecture.name == "proposed" for c in range(96)]
        return built.fold_part(built.answered(spec, right, subjects=subjects))

    folds = _paired(built, choose, protocol="kfold", folds=(8,))
    frame = _paired(built, choose, protocol="frame")

    assert folds.clusters == tuple(f"fold {n:06d}" for n in range(8))
    assert frame.clusters == tuple(f"sub{n:02}" for n in range(subjects))
    assert (folds.is_crossed, frame.is_crossed) == (False, True)
    assert (folds.is_conditional, frame.is_conditional) == (False, True), "one training seed suffices folds"
    assert folds.compute_value(GAIN) == frame.compute_value(GAIN) == pytest.approx(20 / 96)


def test_each_fold_of_loso_is_a_cluster_that_tests_one_subject(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        wrong = spec.architecture.name == "vgg16"
        return built.fold_part(built.answered(spec, [not wrong or c >= 12 for c in range(48)], subjects=12))

    found = _paired(built, choose, protocol="loso", folds=(12,))
    (estimate,) = found.compare_contrasts([GAIN])

    assert len(found.clusters) == 12
    assert (estimate.cluster_count, estimate.training_count, estimate.is_conditional) == (12, 1, False)
    assert estimate.value == pytest.approx(0.25)
    assert estimate.p < 0.001


def test_several_divisions_of_kfold_share_subjects_as_clusters(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.fold_part(built.answered(spec, [c % 5 != 0 for c in range(96)], subjects=12))

    found = _paired(built, choose, protocol="kfold", folds=(8,), split_seeds=(0, 1))

    assert found.is_crossed
    assert found.clusters == tuple(f"sub{n:02}" for n in range(12))


def test_no_verdict_on_units_that_name_no_subject(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        made = built.answered(spec, [True] * 24, subjects=8)
        told = [replace(p, subject="" if n < 5 else p.subject) for n, p in enumerate(made.predictions)]
        return replace(made, predictions=tuple(told))

    assert _paired(built, choose).obstacle == "5 of 24 test units name no subject"


def test_no_verdict_on_networks_whose_weights_do_not_vary(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        made = built.answered(spec, [True] * 24, subjects=8)
        return replace(made, has_fixed_weights=spec.architecture.name == "proposed")

    assert _paired(built, choose, seeds=FIVE).obstacle == (
        "the weights of proposed do not vary between trainings"
    )


@pytest.mark.parametrize(("version", "obstacle"), [(2, True), (3, False)])
def test_no_verdict_on_older_folds(built: type[Built], version: int, obstacle: bool) -> None:
    """Before version 3 every fold started from the same weights, so folds were not independent trainings."""

    def choose(spec: RunSpec) -> RunResult:
        made = built.fold_part(built.answered(spec, [True] * 24, subjects=8))
        return replace(made, training_version=version if spec.fold else 2)

    assert bool(_paired(built, choose, protocol="kfold", folds=(6,)).obstacle) is obstacle
    assert _paired(built, choose, protocol="subject").obstacle == "", "fold 0 alone is as it was"


def _moved(built: type[Built]) -> Any:
    """Return runs whose accuracy depends only on the seed: proposed has 3 to 7 of 8 clips correct."""

    def choose(spec: RunSpec) -> RunResult:
        count = 3 + spec.seed if spec.architecture.name == "proposed" else 2
        return built.answered(spec, [c // 12 < count for c in range(96)], subjects=12)

    return choose


def test_fewer_than_five_trainings_are_averaged_and_conditional(built: type[Built]) -> None:
    four = _paired(built, _moved(built), seeds=(0, 1, 2, 3)).compare_contrasts([GAIN])[0]
    five = _paired(built, _moved(built), seeds=FIVE).compare_contrasts([GAIN])[0]

    assert (four.is_conditional, four.training_count, four.training_se) == (True, 4, 0)
    assert four.standard_error == four.subject_se == pytest.approx(0), "all subjects are alike"
    assert four.value == pytest.approx(2.5 / 8)
    assert (five.is_conditional, five.training_count) == (False, 5)
    assert five.training_se == five.standard_error == pytest.approx((2.5 / 5) ** 0.5 / 8)
    assert five.split_se == 0


def test_several_divisions_have_an_error_of_their_own(built: type[Built]) -> None:
    """2 splits with 3 seeds are 6 trainings, but only one degree of freedom between splits.

    The variance of the two means is enlarged by the ratio of test to training samples, 1 to 7.
    """

    def choose(spec: RunSpec) -> RunResult:
        count = 3 + spec.split_seed if spec.architecture.name == "proposed" else 2
        return built.answered(spec, [c // 12 < count for c in range(96)], subjects=12)

    (found,) = _paired(built, choose, split_seeds=(0, 1), seeds=(0, 1, 2)).compare_contrasts([GAIN])

    assert (found.training_count, found.is_conditional, found.training_se) == (6, False, 0)
    assert found.value == pytest.approx(1.5 / 8)
    assert found.split_se**2 == pytest.approx(0.5 / 8**2 * (1 / 2 + 1 / 7))


def _without(built: type[Built], *gone: tuple[str, int, int]) -> Any:
    """Return all runs except those of these (arm, split seed, seed)."""

    def choose(spec: RunSpec) -> RunResult | None:
        if (spec.architecture.name, spec.split_seed, spec.seed) in gone:
            return None
        return built.answered(spec, [True] * 24, subjects=8)

    return choose


def test_arms_are_paired_over_the_trainings_that_both_have(built: type[Built]) -> None:
    choose = _without(built, ("vgg16", 0, 1), ("proposed", 0, 3))

    assert _paired(built, choose, seeds=FIVE).training_ids == ((0, 0), (0, 2), (0, 4))


def test_a_division_that_lacks_a_training_is_left_out(built: type[Built]) -> None:
    choose = _without(built, ("vgg16", 1, 1))

    assert _paired(built, choose, seeds=(0, 1), split_seeds=(0, 1, 2)).training_ids == (
        (0, 0),
        (0, 1),
        (2, 0),
        (2, 1),
    )


def test_arms_without_a_common_training_are_no_pair(built: type[Built]) -> None:
    choose = _without(built, ("vgg16", 0, 0), ("proposed", 0, 1))

    assert _paired(built, choose, seeds=(0, 1)) is None
    assert _paired(built, lambda _: None) is None
    assert pair_outcomes((), "accuracy") is None


def test_wins_and_losses_are_counted_for_one_training_alone(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        own = spec.architecture.name == "proposed"
        return built.answered(spec, [(c < 10) if own else (5 <= c < 12) for c in range(24)], subjects=8)

    assert _paired(built, choose).count_wins_and_losses("vgg16", "proposed") == (5, 2)
    assert _paired(built, choose).count_wins_and_losses("proposed", "vgg16") == (2, 5)
    assert _paired(built, choose, seeds=(0, 1)).count_wins_and_losses("vgg16", "proposed") is None


def _two_frames(built: type[Built]) -> Any:
    """Return runs on two-frame clips; vgg16 has the second frame wrong, less confidently than the first."""

    def choose(spec: RunSpec) -> RunResult:
        made = built.answered(spec, [True] * 24, subjects=8)
        frames = []
        for p in made.predictions:
            unsure = tuple(0.45 if c == p.truth else 0.5 if c == 2 else 0.0125 for c in range(6))
            weak = unsure if spec.architecture.name == "vgg16" else p.probabilities
            frames += [replace(p, id=f"{p.clip}/0"), replace(p, id=f"{p.clip}/1", probabilities=weak)]
        return (
            built.fold_part(replace(made, predictions=tuple(frames)))
            if spec.folds > 1
            else replace(made, predictions=tuple(frames))
        )

    return choose


def test_frames_of_a_clip_count_once_unless_frames_are_asked_for(built: type[Built]) -> None:
    clips = _paired(built, _two_frames(built))
    frames = _paired(built, _two_frames(built), by_frame=True)

    assert (clips.unit_count, frames.unit_count) == (24, 48)
    assert clips.compute_value(GAIN) == 0
    assert frames.compute_value(GAIN) == pytest.approx(0.5)
    assert clips.clusters == frames.clusters, "frames are clustered by subject too"
    assert _paired(built, _two_frames(built), protocol="frame").unit_count == 48


def test_a_metric_is_that_of_each_training_averaged(built: type[Built]) -> None:
    """The proposed network has all of class 0 and half of class 1 correct."""

    def choose(spec: RunSpec) -> RunResult:
        own = spec.architecture.name == "proposed"
        right = [c < 12 or c < 18 if own else c < 12 for c in range(24)]
        return built.answered(spec, right, subjects=8)

    assert _paired(built, choose, metric="uar").compute_value({"proposed": 1}) == pytest.approx((1 + 0.5) / 2)
    # Class 0: 12 correct, 6 of class 1 predicted as 0: 24/(12+18). Class 1: 6 of 12 correct: 12/(12+6).
    assert _paired(built, choose, metric="uf1").compute_value({"proposed": 1}) == pytest.approx(
        (0.8 + 2 / 3) / 2
    )


def test_a_single_cluster_has_no_estimate(built: type[Built]) -> None:
    found = _paired(built, _gaining(built, (1,)))

    assert found.compare_contrasts([GAIN]) == (None,)
    assert found.estimate_contrast(GAIN) is None
    assert found.compute_value(GAIN) == pytest.approx(0.25)


def test_a_mean_over_units_counts_clusters_and_trainings_the_same_way() -> None:
    units = {f"u{n}": f"s{n % 6}" for n in range(24)}
    gains = {unit: float(unit in ("u0", "u1", "u2", "u3", "u4", "u5")) for unit in units}
    one = estimate_unit_mean([gains], units, by_fold=False)
    folds = estimate_unit_mean([gains], units, by_fold=True)
    five = estimate_unit_mean(
        [{unit: gain + n for unit, gain in gains.items()} for n in range(5)], units, by_fold=False
    )

    assert one is not None
    assert folds is not None
    assert five is not None
    assert (one.value, one.p, one.cluster_count, one.unit_count) == (0.25, pytest.approx(1 / 32), 6, 24)
    assert (one.is_conditional, folds.is_conditional, five.is_conditional) == (True, False, False)
    assert five.value == pytest.approx(2.25)
    assert five.training_se == pytest.approx((2.5 / 5) ** 0.5)
    assert estimate_unit_mean([gains], dict.fromkeys(units, "s0"), by_fold=False) is None


@pytest.mark.parametrize(
    ("common", "kept"),
    [
        ({(0, 1), (1, 0)}, 1),
        ({(0, 0), (0, 1), (1, 0)}, 2),
        ({(d, s) for d in range(5) for s in range(5)}, 25),
        # A different seed is missing on each split: at most three seeds are complete on two splits.
        ({(d, s) for d in range(5) for s in range(5) if d != s}, 6),
    ],
)
def test_divisions_that_lack_different_seeds_keep_the_most_trainings(
    common: set[tuple[int, int]], kept: int
) -> None:
    trainings = _select_balanced(common)
    by_division: dict[int, set[int]] = {}
    for division, seed in trainings:
        by_division.setdefault(division, set()).add(seed)

    assert set(trainings) <= common
    assert len(trainings) == kept
    assert len({frozenset(seeds) for seeds in by_division.values()}) == 1
