from dataclasses import replace
from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.pairing import PairedOutcomes, _select_balanced, estimate_unit_mean, pair_outcomes
from studies.results import RunResult
from studies.spec import RunSpec
from studies.statistics.verdicts import Estimate
from tests.reports.conftest import Factory

FIVE = (0, 1, 2, 3, 4)
GAIN = {"proposed": 1.0, "vgg16": -1.0}


def _find_pair(
    factory: type[Factory], choose: Any, *, protocol: str = "subject", metric: Any = "accuracy", **kwargs: Any
) -> PairedOutcomes | None:
    """Return the paired outcomes of vgg16 and proposed under one protocol."""
    by_frame = kwargs.pop("by_frame", False)
    study = evaluate_study(factory.finish(factory.study(protocols=(protocol,), **kwargs), choose))
    return pair_outcomes(study.select_protocol(protocol), metric, by_frame=by_frame)


def _pair(factory: type[Factory], choose: Any, **kwargs: Any) -> PairedOutcomes:
    """Return the paired outcomes of `_find_pair`, which must exist."""
    outcomes = _find_pair(factory, choose, **kwargs)
    assert outcomes is not None
    return outcomes


def _estimate_gain(outcomes: PairedOutcomes) -> Estimate:
    """Return the tested gain of proposed over vgg16."""
    (estimate,) = outcomes.compare_contrasts([GAIN])
    assert estimate is not None
    return estimate


def _gaining_runs(factory: type[Factory], gains: tuple[int, ...], *, clips: int = 4) -> Any:
    """Return runs: proposed has 2 of `clips` clips per subject correct, vgg16 `gains` fewer."""

    def choose(spec: RunSpec) -> RunResult:
        own = spec.architecture.name == "vgg16"
        subjects = len(gains)
        right = [c // subjects < 2 - own * gains[c % subjects] for c in range(clips * subjects)]
        return factory.run_from_correctness(spec, right, subjects=subjects)

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
def test_p_is_the_share_of_sign_patterns_that_reach_the_sum(
    factory: type[Factory], gains: Any, p: float
) -> None:
    """Up to a common sign, 6 signs have 32 patterns: 1 with all signs equal, 6 with a single sign flipped."""
    outcomes = _pair(factory, _gaining_runs(factory, gains))
    estimate = _estimate_gain(outcomes)

    assert estimate.value == outcomes.compute_value(GAIN) == pytest.approx(sum(gains) / 24)
    assert estimate.p == pytest.approx(p)
    assert estimate.low is not None
    assert (estimate.low > 0) == (p < 0.05)
    assert (estimate.cluster_count, estimate.unit_count, estimate.training_count) == (6, 24, 1)


def test_subject_with_more_clips_has_more_weight(factory: type[Factory]) -> None:
    """Subject 0 has 6 of 12 clips; the value is a mean over clips, not over subjects."""

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(
            spec, [c < 6 or spec.architecture.name == "vgg16" for c in range(12)], subjects=1
        )
        named = [replace(p, subject=f"s{max(0, n - 5)}") for n, p in enumerate(run.predictions)]
        return replace(run, predictions=tuple(named))

    outcomes = _pair(factory, choose)

    assert len(outcomes.clusters) == 7
    assert outcomes.compute_value(GAIN) == pytest.approx(-0.5)


def test_units_are_matched_by_name(factory: type[Factory]) -> None:
    gains = _gaining_runs(factory, (1, 1, 2, 1, 0, 1), clips=8)

    def reverse_predictions(spec: RunSpec) -> Any:
        run = gains(spec)
        if spec.architecture.name == "vgg16":
            run = replace(run, predictions=run.predictions[::-1])
        return run

    reversed_estimate, expected = (
        _estimate_gain(_pair(factory, choose)) for choose in (reverse_predictions, gains)
    )
    assert (reversed_estimate.value, reversed_estimate.p) == (expected.value, expected.p) == (0.125, 2 / 32)
    assert reversed_estimate.subject_se == pytest.approx(expected.subject_se)
    assert _pair(factory, reverse_predictions).count_wins_and_losses("vgg16", "proposed") == (6, 0)


@pytest.mark.parametrize("subjects", [8, 12])
def test_folds_are_the_clusters_of_kfold_and_subjects_those_of_frame(
    factory: type[Factory], subjects: int
) -> None:
    def choose(spec: RunSpec) -> RunResult:
        right = [c % 5 != 0 or spec.architecture.name == "proposed" for c in range(96)]
        return factory.fold_part(factory.run_from_correctness(spec, right, subjects=subjects))

    folds = _pair(factory, choose, protocol="kfold", folds=(8,))
    frame = _pair(factory, choose, protocol="frame")

    assert folds.clusters == tuple(f"fold {n:06d}" for n in range(8))
    assert frame.clusters == tuple(f"sub{n:02}" for n in range(subjects))
    assert (folds.is_crossed, frame.is_crossed) == (False, True)
    assert (folds.is_conditional, frame.is_conditional) == (False, True), (
        "one training seed is enough with folds"
    )
    assert folds.compute_value(GAIN) == frame.compute_value(GAIN) == pytest.approx(20 / 96)


def test_loso_folds_are_clusters_of_one_subject(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        wrong = spec.architecture.name == "vgg16"
        return factory.fold_part(
            factory.run_from_correctness(spec, [not wrong or c >= 12 for c in range(48)], subjects=12)
        )

    outcomes = _pair(factory, choose, protocol="loso", folds=(12,))
    estimate = _estimate_gain(outcomes)

    assert len(outcomes.clusters) == 12
    assert (estimate.cluster_count, estimate.training_count, estimate.is_conditional) == (12, 1, False)
    assert estimate.value == pytest.approx(0.25)
    assert estimate.p < 0.001


def test_kfold_splits_share_subjects_as_clusters(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.fold_part(
            factory.run_from_correctness(spec, [c % 5 != 0 for c in range(96)], subjects=12)
        )

    outcomes = _pair(factory, choose, protocol="kfold", folds=(8,), split_seeds=(0, 1))

    assert outcomes.is_crossed
    assert outcomes.clusters == tuple(f"sub{n:02}" for n in range(12))


def test_no_verdict_on_units_that_name_no_subject(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(spec, [True] * 24, subjects=8)
        rows = [replace(p, subject="" if n < 5 else p.subject) for n, p in enumerate(run.predictions)]
        return replace(run, predictions=tuple(rows))

    assert _pair(factory, choose).obstacle == "5 of 24 test units name no subject"


def test_no_verdict_on_networks_whose_weights_do_not_vary(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(spec, [True] * 24, subjects=8)
        return replace(run, has_fixed_weights=spec.architecture.name == "proposed")

    assert _pair(factory, choose, seeds=FIVE).obstacle == (
        "the weights of proposed do not vary between trainings"
    )


@pytest.mark.parametrize(("version", "obstacle"), [(2, True), (3, False)])
def test_no_verdict_on_older_folds(factory: type[Factory], version: int, obstacle: bool) -> None:
    """Before version 3 every fold started from the same weights, so folds were not independent trainings."""

    def choose(spec: RunSpec) -> RunResult:
        run = factory.fold_part(factory.run_from_correctness(spec, [True] * 24, subjects=8))
        return replace(run, training_version=version if spec.fold else 2)

    assert bool(_pair(factory, choose, protocol="kfold", folds=(6,)).obstacle) is obstacle
    assert _pair(factory, choose, protocol="subject").obstacle == "", "only fold 0 is unchanged"


def _seed_dependent_runs(factory: type[Factory]) -> Any:
    """Return runs whose accuracy depends only on the seed: proposed has 3 to 7 of 8 clips correct."""

    def choose(spec: RunSpec) -> RunResult:
        count = 3 + spec.seed if spec.architecture.name == "proposed" else 2
        return factory.run_from_correctness(spec, [c // 12 < count for c in range(96)], subjects=12)

    return choose


def test_fewer_than_five_trainings_are_averaged_and_conditional(factory: type[Factory]) -> None:
    four = _estimate_gain(_pair(factory, _seed_dependent_runs(factory), seeds=(0, 1, 2, 3)))
    five = _estimate_gain(_pair(factory, _seed_dependent_runs(factory), seeds=FIVE))

    assert (four.is_conditional, four.training_count, four.training_se) == (True, 4, 0)
    assert four.standard_error == four.subject_se == pytest.approx(0), "all subjects are equal"
    assert four.value == pytest.approx(2.5 / 8)
    assert (five.is_conditional, five.training_count) == (False, 5)
    assert five.training_se == five.standard_error == pytest.approx((2.5 / 5) ** 0.5 / 8)
    assert five.split_se == 0


def test_splits_have_their_own_error(factory: type[Factory]) -> None:
    """2 splits with 3 seeds are 6 trainings, but only one degree of freedom between splits.

    The variance of the two means is enlarged by the ratio of test to training samples, 1 to 7.
    """

    def choose(spec: RunSpec) -> RunResult:
        count = 3 + spec.split_seed if spec.architecture.name == "proposed" else 2
        return factory.run_from_correctness(spec, [c // 12 < count for c in range(96)], subjects=12)

    estimate = _estimate_gain(_pair(factory, choose, split_seeds=(0, 1), seeds=(0, 1, 2)))

    assert (estimate.training_count, estimate.is_conditional, estimate.training_se) == (6, False, 0)
    assert estimate.value == pytest.approx(1.5 / 8)
    assert estimate.split_se**2 == pytest.approx(0.5 / 8**2 * (1 / 2 + 1 / 7))


def _all_runs_except(factory: type[Factory], *missing: tuple[str, int, int]) -> Any:
    """Return all runs except those of these (arm, split seed, seed)."""

    def choose(spec: RunSpec) -> RunResult | None:
        if (spec.architecture.name, spec.split_seed, spec.seed) in missing:
            return None
        return factory.run_from_correctness(spec, [True] * 24, subjects=8)

    return choose


def test_arms_are_paired_by_common_trainings(factory: type[Factory]) -> None:
    choose = _all_runs_except(factory, ("vgg16", 0, 1), ("proposed", 0, 3))

    assert _pair(factory, choose, seeds=FIVE).training_ids == ((0, 0), (0, 2), (0, 4))


def test_split_without_a_training_is_left_out(factory: type[Factory]) -> None:
    choose = _all_runs_except(factory, ("vgg16", 1, 1))

    assert _pair(factory, choose, seeds=(0, 1), split_seeds=(0, 1, 2)).training_ids == (
        (0, 0),
        (0, 1),
        (2, 0),
        (2, 1),
    )


def test_arms_without_a_common_training_are_no_pair(factory: type[Factory]) -> None:
    choose = _all_runs_except(factory, ("vgg16", 0, 0), ("proposed", 0, 1))

    assert _find_pair(factory, choose, seeds=(0, 1)) is None
    assert _find_pair(factory, lambda _: None) is None
    assert pair_outcomes((), "accuracy") is None


def test_wins_and_losses_exist_only_for_one_training(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        own = spec.architecture.name == "proposed"
        return factory.run_from_correctness(
            spec, [(c < 10) if own else (5 <= c < 12) for c in range(24)], subjects=8
        )

    assert _pair(factory, choose).count_wins_and_losses("vgg16", "proposed") == (5, 2)
    assert _pair(factory, choose).count_wins_and_losses("proposed", "vgg16") == (2, 5)
    assert _pair(factory, choose, seeds=(0, 1)).count_wins_and_losses("vgg16", "proposed") is None


def _two_frames(factory: type[Factory]) -> Any:
    """Return runs on two-frame clips; vgg16 has the second frame wrong, less confidently than the first."""

    def choose(spec: RunSpec) -> RunResult:
        run = factory.run_from_correctness(spec, [True] * 24, subjects=8)
        frames = []
        for p in run.predictions:
            unsure = tuple(0.45 if c == p.truth else 0.5 if c == 2 else 0.0125 for c in range(6))
            weak = unsure if spec.architecture.name == "vgg16" else p.probabilities
            frames += [replace(p, id=f"{p.clip}/0"), replace(p, id=f"{p.clip}/1", probabilities=weak)]
        return (
            factory.fold_part(replace(run, predictions=tuple(frames)))
            if spec.folds > 1
            else replace(run, predictions=tuple(frames))
        )

    return choose


def test_frames_are_averaged_by_clip_unless_requested(factory: type[Factory]) -> None:
    clips = _pair(factory, _two_frames(factory))
    frames = _pair(factory, _two_frames(factory), by_frame=True)

    assert (clips.unit_count, frames.unit_count) == (24, 48)
    assert clips.compute_value(GAIN) == 0
    assert frames.compute_value(GAIN) == pytest.approx(0.5)
    assert clips.clusters == frames.clusters, "frames are clustered by subject too"
    assert _pair(factory, _two_frames(factory), protocol="frame").unit_count == 48


def test_metric_is_averaged_by_training(factory: type[Factory]) -> None:
    """The proposed network has all of class 0 and half of class 1 correct."""

    def choose(spec: RunSpec) -> RunResult:
        own = spec.architecture.name == "proposed"
        right = [c < 12 or c < 18 if own else c < 12 for c in range(24)]
        return factory.run_from_correctness(spec, right, subjects=8)

    assert _pair(factory, choose, metric="uar").compute_value({"proposed": 1}) == pytest.approx((1 + 0.5) / 2)
    # Class 0: 12 correct, 6 of class 1 predicted as 0: 24/(12+18). Class 1: 6 of 12 correct: 12/(12+6).
    assert _pair(factory, choose, metric="uf1").compute_value({"proposed": 1}) == pytest.approx(
        (0.8 + 2 / 3) / 2
    )


def test_single_cluster_has_no_estimate(factory: type[Factory]) -> None:
    outcomes = _pair(factory, _gaining_runs(factory, (1,)))

    assert outcomes.compare_contrasts([GAIN]) == (None,)
    assert outcomes.estimate_contrast(GAIN) is None
    assert outcomes.compute_value(GAIN) == pytest.approx(0.25)


def test_mean_of_units_counts_clusters_and_trainings() -> None:
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
    assert (one.value, one.cluster_count, one.unit_count) == (0.25, 6, 24)
    assert one.p == pytest.approx(1 / 32)
    assert (one.is_conditional, folds.is_conditional, five.is_conditional) == (True, False, False)
    assert five.value == pytest.approx(2.25)
    assert five.training_se == pytest.approx((2.5 / 5) ** 0.5)
    assert estimate_unit_mean([gains], dict.fromkeys(units, "s0"), by_fold=False) is None


@pytest.mark.parametrize(
    ("common", "trainings_left"),
    [
        ({(0, 1), (1, 0)}, 1),
        ({(0, 0), (0, 1), (1, 0)}, 2),
        ({(d, s) for d in range(5) for s in range(5)}, 25),
        # A different seed is missing on each split: at most three seeds are complete on two splits.
        ({(d, s) for d in range(5) for s in range(5) if d != s}, 6),
    ],
)
def test_splits_with_missing_seeds_use_the_largest_common_set(
    common: set[tuple[int, int]], trainings_left: int
) -> None:
    trainings = _select_balanced(common)
    by_division: dict[int, set[int]] = {}
    for division, seed in trainings:
        by_division.setdefault(division, set()).add(seed)

    assert set(trainings) <= common
    assert len(trainings) == trainings_left
    assert len({frozenset(seeds) for seeds in by_division.values()}) == 1
