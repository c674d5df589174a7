from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from studies.statistics.comparison import TrainingScores, compare
from studies.statistics.power import Noise, Plan, power, smallest_difference

SIZES = (3, 4, 5, 7, 8, 8, 9, 12, 15, 20, 6, 6, 10, 5)
NOISE = Noise(training=0.04, heterogeneity=0.06, discordance=0.3, source="assumed")


def _found(plan: Plan, noise: Noise, difference: float, *, studies: int, seed: int = 0) -> float:
    """Share of studies drawn with this noise in which the pair that differs is found."""
    rng = np.random.default_rng(seed)
    sizes = np.array(plan.sizes, dtype=np.float64)
    shape = (studies, plan.arms, 1, plan.trainings, len(sizes))
    suits = rng.normal(0, noise.heterogeneity / 2**0.5, (studies, plan.arms, 1, 1, len(sizes)))
    trained = rng.normal(0, noise.training, (*shape[:-1], len(sizes) if plan.by_fold else 1))
    answers = rng.normal(0, 1, shape) * np.sqrt(noise.discordance / 2 / sizes)
    shares: NDArray[np.float64] = 0.6 + suits + trained + answers
    shares[:, -1] += difference
    values = (shares * sizes).sum(axis=-1) / sizes.sum()
    scores = TrainingScores(
        values=values,
        contributions=(shares - values[..., None]) * sizes / sizes.sum(),
        sizes=np.broadcast_to(sizes, (studies, len(sizes))),
        fold_clusters=plan.by_fold,
    )
    weights = np.eye(plan.arms)[1:] - np.eye(plan.arms)[:-1]
    return float((compare(scores, weights).p[:, -1] < 0.05).mean())


@pytest.mark.parametrize("by_fold", [False, True])
@pytest.mark.parametrize(("trainings", "arms"), [(5, 2), (5, 5), (10, 5)])
def test_the_stated_power_is_that_of_drawn_studies(trainings: int, arms: int, by_fold: bool) -> None:
    plan = Plan(sizes=SIZES, trainings=trainings, family=arms - 1, arms=arms, by_fold=by_fold)
    difference = smallest_difference(plan, NOISE)
    assert difference is not None

    assert power(plan, NOISE, difference) == pytest.approx(0.8, abs=0.03)
    assert _found(plan, NOISE, difference, studies=600) == pytest.approx(0.8, abs=0.08)


def test_more_of_anything_finds_less() -> None:
    plan = Plan(sizes=SIZES, trainings=5, family=4)
    least = smallest_difference(plan, NOISE)
    assert least is not None

    for better in (
        replace(plan, sizes=SIZES * 2),
        replace(plan, trainings=10),
        replace(plan, family=1),
        replace(plan, arms=5),
    ):
        found = smallest_difference(better, NOISE)
        assert found is not None
        assert found < least


def test_too_few_subjects_find_nothing() -> None:
    plan = Plan(sizes=(50,) * 5, trainings=20, family=1)

    assert smallest_difference(plan, NOISE) is None
    assert power(plan, NOISE, 0.9) == 0


def test_what_would_take_more_than_everything_is_not_found() -> None:
    noisy = replace(NOISE, training=0.9)

    assert smallest_difference(Plan(sizes=SIZES, trainings=5, family=15), noisy) is None
