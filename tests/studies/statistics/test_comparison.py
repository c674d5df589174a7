from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from studies.statistics.comparison import (
    TrainingScores,
    _compute_bartlett_p,
    _compute_training_variance,
    compare_contrasts,
    estimate_contrasts,
    make_sign_patterns,
)

PAIR = np.array([[-1.0, 1.0]])


def _scores(correct: NDArray[np.float64], sizes: list[int], *, folds: bool = False) -> TrainingScores:
    """Return scores from `correct` (arms, splits, seeds, clusters), the number of correct units."""
    units = np.array(sizes, dtype=np.float64)
    values = correct.sum(axis=-1) / units.sum()
    return TrainingScores(
        values=values,
        contributions=(correct - values[..., None] * units) / units.sum(),
        cluster_sizes=units,
        has_fold_clusters=folds,
    )


def _random_correct(arms: int, seeds: int, clusters: int, *, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 10, (arms, 1, seeds, clusters)).astype(np.float64)


def test_one_training_is_tested_by_signs() -> None:
    """With equal-sized subjects, p is the share of sign patterns whose sum is at least as far from 0."""
    correct = _random_correct(2, 1, 9)
    comparison = compare_contrasts(_scores(correct, [10] * 9), PAIR)
    gain = (correct[1] - correct[0])[0, 0]
    signs = np.array(np.meshgrid(*[[1, -1]] * 9)).reshape(9, -1)

    assert comparison.estimates[0] == pytest.approx(gain.sum() / 90)
    assert comparison.p[0] == pytest.approx(np.mean(np.abs(gain @ signs) >= abs(gain.sum()) - 1e-9))
    assert comparison.training_se[0] == 0


def test_without_interaction_the_variance_is_the_sum_of_both_sources() -> None:
    """All subjects vary equally with the training, so neither source contains part of the other."""
    subjects, trainings = np.array([5, 7, 3, 8, 6, 4, 9, 2.0]), np.array([[0, 1, 2, 1, 0], [1, 0, 2, 2, 1.0]])
    correct = trainings[:, None, :, None] + np.stack([subjects, subjects[::-1]])[:, None, None, :]
    comparison = compare_contrasts(_scores(correct, [20] * 8), PAIR)
    gain = subjects[::-1] - subjects
    subject_variance = gain.var(ddof=1) / 8 / 20**2
    training_variance = sum((row / 20).var(ddof=1) / 5 for row in trainings)

    assert comparison.subject_se[0] ** 2 == pytest.approx(subject_variance)
    assert comparison.training_se[0] ** 2 == pytest.approx(training_variance)
    assert comparison.standard_error[0] ** 2 == pytest.approx(subject_variance + training_variance)


@pytest.mark.parametrize("gain", [0.0, 3.0])
def test_equal_trainings_leave_the_subject_variance(gain: float) -> None:
    """A variance of exactly 0 over trainings has no degrees of freedom, which must not make p undefined."""
    correct = np.full((2, 1, 5, 8), 4.0)
    correct[1] += gain
    comparison = compare_contrasts(_scores(correct, [10] * 8), PAIR)

    assert comparison.training_se[0] == 0
    assert (comparison.low[0], comparison.high[0]) == pytest.approx((gain / 10, gain / 10))
    assert (comparison.p[0] < 0.05) == bool(gain)


def test_trainings_with_unequal_variances_are_not_pooled() -> None:
    correct = _random_correct(2, 6, 12)
    correct[0] = correct[0, :, :1]  # the first arm is constant except for one unit
    correct[0, 0, 0, 0] += 1
    comparison = compare_contrasts(_scores(correct, [10] * 12), PAIR)
    values = correct.sum(axis=-1)[:, 0] / 120
    welch = stats.ttest_ind(values[1], values[0], equal_var=False)

    assert comparison.training_se[0] == pytest.approx(
        (values.mean(1)[1] - values.mean(1)[0]) / welch.statistic
    )


def test_third_arm_adds_to_the_pooled_training_variance() -> None:
    correct = _random_correct(3, 5, 12, seed=7)
    pooled = np.mean(correct.sum(axis=-1)[:, 0].var(axis=-1, ddof=1)) / 120**2
    comparison = compare_contrasts(
        _scores(correct, [10] * 12), np.array([[-1.0, 1.0, 0.0], [0.0, -1.0, 1.0]])
    )

    assert comparison.training_se**2 == pytest.approx(2 * pooled / 5)


def test_collapsed_arm_is_excluded_from_pooling() -> None:
    correct = _random_correct(3, 5, 12, seed=7)
    correct[0] = 2
    pooled = np.mean(correct[1:].sum(axis=-1)[:, 0].var(axis=-1, ddof=1)) / 120**2
    comparison = compare_contrasts(
        _scores(correct, [10] * 12), np.array([[-1.0, 1.0, 0.0], [0.0, -1.0, 1.0]])
    )

    assert comparison.training_se**2 == pytest.approx(np.array([1, 2]) * pooled / 5)


def test_divisions_count_with_the_overlap_of_their_training_sets() -> None:
    rng = np.random.default_rng(2)
    values = rng.random((2, 4, 3))
    scores = TrainingScores(
        values=values,
        contributions=np.zeros((2, 4, 3, 9)),
        cluster_sizes=np.full(9, 5.0),
        test_train_ratio=1 / 7,
    )
    comparison = compare_contrasts(scores, PAIR)
    gains = (values[1] - values[0]).mean(axis=-1)

    assert comparison.split_se[0] ** 2 == pytest.approx(gains.var(ddof=1) * (1 / 4 + 1 / 7))
    assert comparison.df[0] == pytest.approx(3)


def test_folds_are_both_trainings_and_clusters() -> None:
    correct = _random_correct(2, 3, 10)
    own = compare_contrasts(_scores(correct, [10] * 10, folds=True), PAIR)
    crossed = compare_contrasts(_scores(correct, [10] * 10), PAIR)

    assert own.training_se[0] == 0
    assert own.p[0] <= crossed.p[0]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("shape", [(4, 5, 8), (3, 1, 6), (6, 2, 26)])
def test_p_and_interval_are_consistent(shape: tuple[int, int, int], seed: int) -> None:
    arms, seeds, clusters = shape
    rng = np.random.default_rng(seed)
    correct = rng.integers(0, 10, (arms, 1, seeds, clusters)) + 3.0 * np.arange(arms)[:, None, None, None]
    weights = np.eye(arms)[1:] - np.eye(arms)[:-1]
    comparison = compare_contrasts(_scores(correct, [40] * clusters), weights)

    assert ((comparison.p < 0.05) == ((comparison.low > 0) | (comparison.high < 0))).all()


def test_part_of_a_family_is_corrected_for_the_family() -> None:
    scores = _scores(_random_correct(2, 6, 12), [10] * 12)
    single, part = compare_contrasts(scores, PAIR), compare_contrasts(scores, PAIR, family_size=4)

    assert part.p[0] == pytest.approx(min(1.0, 4 * single.p[0]))
    assert part.high[0] > single.high[0]


def test_arms_with_equal_predictions_have_no_difference() -> None:
    correct = np.repeat(_random_correct(1, 5, 8), 2, axis=0)
    comparison = compare_contrasts(_scores(correct, [10] * 8), PAIR)

    assert (comparison.estimates[0], comparison.p[0]) == (0.0, 1.0)
    assert comparison.low[0] <= 0 <= comparison.high[0]


def test_six_clusters_are_the_fewest_that_reach_significance() -> None:
    def p(clusters: int) -> float:
        correct = np.zeros((2, 1, 1, clusters))
        correct[1] = 5 + np.arange(clusters)
        return float(compare_contrasts(_scores(correct, [20] * clusters), PAIR).p[0])

    assert p(6) < 0.05 <= p(5)


def test_study_gives_equal_results_in_a_batch() -> None:
    first, second = (
        _scores(_random_correct(3, 5, 7), [10] * 7),
        _scores(_random_correct(3, 5, 7, seed=1), [10] * 7),
    )
    combined = replace(
        first,
        values=np.stack([first.values, second.values]),
        contributions=np.stack([first.contributions, second.contributions]),
        cluster_sizes=np.stack([first.cluster_sizes, second.cluster_sizes]),
    )
    weights = np.array([[-1.0, 1.0, 0.0], [0.0, -1.0, 1.0]])
    both = compare_contrasts(combined, weights)

    for number, single in enumerate((first, second)):
        separate = compare_contrasts(single, weights)
        for name in ("estimates", "low", "high", "p", "standard_error", "df"):
            assert getattr(both, name)[number] == pytest.approx(getattr(separate, name))


def test_interval_of_one_arm_is_students_t() -> None:
    correct = _random_correct(1, 1, 12)
    comparison = estimate_contrasts(_scores(correct, [10] * 12), np.ones((1, 1)))
    shares = correct[0, 0, 0] / 10
    low, high = stats.t.interval(0.95, 11, loc=shares.mean(), scale=stats.sem(shares))

    assert (comparison.low[0], comparison.high[0]) == pytest.approx((low, high))


@pytest.mark.parametrize("clusters", [2, 6, 13, 14, 30])
def test_sign_patterns_begin_with_the_study_itself_and_hold_no_pattern_twice(clusters: int) -> None:
    signs = make_sign_patterns(clusters)

    assert (signs[0] == 1).all()
    assert set(np.unique(signs)) <= {-1.0, 1.0}
    if clusters <= 13:
        both = {tuple(row) for row in signs} | {tuple(-row) for row in signs}
        assert len(both) == 2**clusters


def test_bartletts_test_equals_that_of_scipy() -> None:
    values = np.random.default_rng(4).random((4, 6)) * np.array([[1.0], [2.0], [1.5], [3.0]])
    variances = values.var(axis=-1, ddof=1)
    varying = np.ones(4, dtype=bool)
    p = _compute_bartlett_p(variances, varying, variances.mean(keepdims=True), 6)
    assert p == pytest.approx(stats.bartlett(*values).pvalue)
    # An arm that collapsed does not take part.
    with_constant = np.append(variances, 0.0)
    p = _compute_bartlett_p(with_constant, np.append(varying, False), variances.mean(keepdims=True), 6)
    assert p == pytest.approx(stats.bartlett(*values).pvalue)


def test_pooled_trainings_have_the_degrees_of_freedom_of_all_arms() -> None:
    base = np.random.default_rng(0).random(5)
    values = np.stack([base, np.roll(base, 1) + 0.1, np.roll(base, 2)])  # equal variances
    variance, df = _compute_training_variance(values, np.array([[-1.0, 1.0, 0.0], [0.5, 0.5, -1.0]]))
    assert variance == pytest.approx(np.array([2, 1.5]) * base.var(ddof=1) / 5)
    assert df.tolist() == [12, 12]
    _, df_of_two = _compute_training_variance(values[:2], PAIR)
    assert df_of_two[0] == stats.ttest_ind(values[1], values[0]).df


def test_degrees_of_freedom_are_satterthwaites() -> None:
    """The variances over subjects and over trainings are independent here, so the formula is exact."""
    subjects, trainings = np.array([5, 7, 3, 8, 6, 4, 9, 2.0]), np.array([[0, 1, 2, 1, 0], [1, 0, 2, 2, 1.0]])
    correct = trainings[:, None, :, None] + np.stack([subjects, subjects[::-1]])[:, None, None, :]
    comparison = compare_contrasts(_scores(correct, [20] * 8), PAIR)
    subject_variance, training_variance = comparison.subject_se[0] ** 2, comparison.training_se[0] ** 2
    expected = (subject_variance + training_variance) ** 2 / (
        subject_variance**2 / 7 + training_variance**2 / 8
    )
    assert comparison.df[0] == pytest.approx(expected)
