"""Tests of verdicts on simulated studies: error rate, power and coverage of the intervals.

The grid is a subset of that of `tests/simulation/grid.py`. The bounds allow for the sampling error of the
number of simulated studies.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, softmax
from scipy.stats import binom

from studies.spec import Metric
from studies.statistics.comparison import TrainingScores, compare_contrasts
from studies.statistics.linearization import linearize
from tests.simulation.grid import detections, false_alarms, lower_bound
from tests.simulation.studies import SUBJECT_SD, UNIT_SD, Scenario, draw

pytestmark = pytest.mark.slow

STUDIES = 400
TEN_POINTS = 0.62
"""The logit shift that corresponds to 10 points of accuracy at these levels."""

GRID = [
    Scenario(),
    Scenario(heterogeneity=0.5),
    Scenario(noise=0.0, heterogeneity=0.5),
    Scenario(noise=0.5, seeds=10),
    Scenario(subjects=6, heterogeneity=0.5),
    Scenario(subjects=10, heterogeneity=0.5, family="star"),
    Scenario(arms=2, heterogeneity=0.5),
    Scenario(arms=6, family="all", subjects=10),
    Scenario(folds=True, seeds=1),
    Scenario(folds=True, seeds=1, heterogeneity=0.5, subjects=10),
    Scenario(folds=True, seeds=3, noise=0.5, subjects=6),
    Scenario(level=5.5),
    Scenario(level=5.5, folds=True, seeds=1),
    Scenario(noise=(0.1, 0.5, 0.1, 0.5, 0.1)),
    Scenario(noise=(0.1, 0.6), arms=2),
    Scenario(divisions=5, seeds=1, tested=0.3, heterogeneity=0.5),
    Scenario(divisions=5, seeds=2, tested=0.3),
]


@pytest.mark.parametrize("scenario", GRID, ids=str)
def test_false_verdicts_on_identical_arms_are_rare(scenario: Scenario) -> None:
    assert lower_bound(false_alarms(scenario, studies=STUDIES), studies=STUDIES) <= 0.05


def test_grid_detects_a_test_that_ignores_trainings() -> None:
    """Tests that vary only subjects give mostly false verdicts, so the grid can detect a wrong test."""
    shared = Scenario()
    scores = draw(shared, studies=100, rng=np.random.default_rng(0))
    subjects_only = replace(
        scores, has_fold_clusters=True
    )  # treats the clusters as the only source of variance
    weights = np.eye(5)[1:] - np.eye(5)[:-1]

    assert (compare_contrasts(subjects_only, weights).p < 0.05).any(axis=-1).mean() > 0.5


def test_shift_equals_ten_points() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    spread = np.sqrt(SUBJECT_SD**2 + UNIT_SD**2 + 0.3**2)
    first, second = (
        weights @ expit(0.6 + shift + spread * nodes) / weights.sum() for shift in (0, TEN_POINTS)
    )

    assert second - first == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize(
    ("scenario", "power"),
    [
        (Scenario(shift=TEN_POINTS), 0.55),
        (Scenario(shift=TEN_POINTS, arms=2), 0.7),
        (Scenario(shift=TEN_POINTS, folds=True, seeds=1), 0.6),
        (Scenario(shift=TEN_POINTS, seeds=10), 0.9),
    ],
)
def test_ten_points_are_detected_with_26_subjects(scenario: Scenario, power: float) -> None:
    assert detections(scenario, studies=STUDIES) >= binom.ppf(0.01, STUDIES, power)


@pytest.mark.parametrize("subjects", [6, 10, 26])
@pytest.mark.parametrize("folds", [False, True])
def test_intervals_cover_the_true_difference(subjects: int, folds: bool) -> None:
    scenario = Scenario(arms=2, shift=TEN_POINTS, heterogeneity=0.5, subjects=subjects, folds=folds)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    spread = np.sqrt(SUBJECT_SD**2 + UNIT_SD**2 + 0.3**2 + 0.5**2)
    first, second = (
        weights @ expit(0.6 + shift + spread * nodes) / weights.sum() for shift in (0, TEN_POINTS)
    )
    comparison = compare_contrasts(
        draw(scenario, studies=STUDIES, rng=np.random.default_rng(1)), np.array([[-1.0, 1.0]])
    )
    covered = ((comparison.low <= second - first) & (second - first <= comparison.high)).sum()

    assert covered >= binom.ppf(0.001, STUDIES, 0.95)


def _make_predictions(
    rng: np.random.Generator, *, subjects: int, seeds: int, gain: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return truths (N,), subjects (N,) and predicted classes (arms, seeds, N); two arms, three classes."""
    member = np.repeat(np.arange(subjects), rng.integers(3, 31, subjects))
    truths = rng.choice(3, len(member), p=(0.6, 0.3, 0.1))
    easy = rng.normal(0.8, 1, subjects)[member] + rng.normal(0, 1, len(member))
    predicted = np.empty((2, seeds, len(member)), dtype=np.intp)
    for arm in range(2):
        for seed in range(seeds):
            bias = rng.normal(0, 0.3, 3)
            logits = bias + np.eye(3)[truths] * (easy + gain * arm + rng.normal(0, 0.3))[:, None]
            draws = rng.random((len(member), 1))
            predicted[arm, seed] = (softmax(logits, axis=1).cumsum(axis=1) < draws).sum(axis=1).clip(max=2)
    return truths, member, predicted


@pytest.mark.parametrize("metric", ["accuracy", "uar", "uf1"])
def test_intervals_of_every_metric_have_their_coverage(metric: Metric) -> None:
    rng, studies = np.random.default_rng(2), 250
    truth = {}
    for gain in (0.0, 0.7):
        many = [_make_predictions(rng, subjects=400, seeds=5, gain=gain) for _ in range(6)]
        values = [
            linearize(metric, t, p.reshape(10, -1), num_classes=3)[0].reshape(2, 5).mean(1)
            for t, _, p in many
        ]
        truth[gain] = float(np.mean([second - first for first, second in values]))
    for gain in (0.0, 0.7):
        covered = 0
        for _ in range(studies):
            truths, member, predicted = _make_predictions(rng, subjects=15, seeds=5, gain=gain)
            value, parts = linearize(metric, truths, predicted.reshape(10, -1), num_classes=3)
            one_hot = np.eye(15)[member]
            scores = TrainingScores(
                values=value.reshape(2, 1, 5),
                contributions=(parts @ one_hot).reshape(2, 1, 5, 15),
                cluster_sizes=one_hot.sum(axis=0),
            )
            comparison = compare_contrasts(scores, np.array([[-1.0, 1.0]]))
            covered += int(comparison.low[0] <= truth[gain] <= comparison.high[0])
        assert covered >= binom.ppf(0.001, studies, 0.95)
