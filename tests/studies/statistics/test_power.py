from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from studies.statistics.comparison import TrainingScores, compare_contrasts
from studies.statistics.power import (
    ComparisonPlan,
    Noise,
    compute_planned_detectable_difference,
    compute_standard_error,
)

SIZES = (3, 4, 5, 7, 8, 8, 9, 12, 15, 20, 6, 6, 10, 5)
NOISE = Noise(training_sd=0.04, subject_sd=0.06, discordance=0.3, source="assumed")


def _simulate_power(
    plan: ComparisonPlan, noise: Noise, difference: float, *, studies: int, seed: int = 0
) -> float:
    """Return the share of simulated studies with this noise in which the true difference is detected."""
    rng = np.random.default_rng(seed)
    sizes = np.array(plan.cluster_sizes, dtype=np.float64)
    shape = (studies, plan.arm_count, 1, plan.trainings_per_arm, len(sizes))
    suits = rng.normal(0, noise.subject_sd / 2**0.5, (studies, plan.arm_count, 1, 1, len(sizes)))
    trained = rng.normal(0, noise.training_sd, (*shape[:-1], len(sizes) if plan.by_fold else 1))
    unit_noise = rng.normal(0, 1, shape) * np.sqrt(noise.discordance / 2 / sizes)
    shares: NDArray[np.float64] = 0.6 + suits + trained + unit_noise
    shares[:, -1] += difference
    values = (shares * sizes).sum(axis=-1) / sizes.sum()
    scores = TrainingScores(
        values=values,
        contributions=(shares - values[..., None]) * sizes / sizes.sum(),
        cluster_sizes=np.broadcast_to(sizes, (studies, len(sizes))),
        has_fold_clusters=plan.by_fold,
    )
    weights = np.eye(plan.arm_count)[1:] - np.eye(plan.arm_count)[:-1]
    return float((compare_contrasts(scores, weights).p[:, -1] < 0.05).mean())


@pytest.mark.slow
@pytest.mark.parametrize("by_fold", [False, True])
@pytest.mark.parametrize(("trainings", "arms"), [(5, 2), (5, 5), (10, 5)])
def test_stated_power_matches_simulated_studies(trainings: int, arms: int, by_fold: bool) -> None:
    plan = ComparisonPlan(
        cluster_sizes=SIZES,
        trainings_per_arm=trainings,
        family_size=arms - 1,
        arm_count=arms,
        by_fold=by_fold,
    )
    difference = compute_planned_detectable_difference(plan, NOISE)
    assert difference is not None

    assert _simulate_power(plan, NOISE, difference, studies=600) == pytest.approx(0.8, abs=0.08)


def test_standard_error_adds_subjects_units_and_trainings() -> None:
    plan = ComparisonPlan(cluster_sizes=(10,) * 8, trainings_per_arm=4, family_size=1)
    subject_variance, unit_variance, training_variance = 0.06**2 / 8, 0.3 / 80 / 4, 2 * 0.04**2 / 4
    error, df = compute_standard_error(plan, NOISE)
    assert error**2 == pytest.approx(subject_variance + unit_variance + training_variance)
    by_subjects, by_trainings = subject_variance + unit_variance, training_variance + unit_variance
    assert df == pytest.approx(error**4 / (by_subjects**2 / 7 + by_trainings**2 / 6))
    error, df = compute_standard_error(replace(plan, by_fold=True), NOISE)
    assert error**2 == pytest.approx(subject_variance + unit_variance + training_variance / 8)
    assert df == pytest.approx(7)


def test_larger_plans_detect_smaller_differences() -> None:
    plan = ComparisonPlan(cluster_sizes=SIZES, trainings_per_arm=5, family_size=4)
    smallest = compute_planned_detectable_difference(plan, NOISE)
    assert smallest is not None

    for better in (
        replace(plan, cluster_sizes=SIZES * 2),
        replace(plan, trainings_per_arm=10),
        replace(plan, family_size=1),
        replace(plan, arm_count=5),
    ):
        improved = compute_planned_detectable_difference(better, NOISE)
        assert improved is not None
        assert improved < smallest


def test_too_few_subjects_detect_no_difference() -> None:
    plan = ComparisonPlan(cluster_sizes=(50,) * 5, trainings_per_arm=20, family_size=1)

    assert compute_planned_detectable_difference(plan, NOISE) is None


def test_impossible_difference_is_none() -> None:
    noisy = replace(NOISE, training_sd=0.9)

    assert (
        compute_planned_detectable_difference(
            ComparisonPlan(cluster_sizes=SIZES, trainings_per_arm=5, family_size=15), noisy
        )
        is None
    )
