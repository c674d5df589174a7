import numpy as np
import pytest
from scipy.stats import permutation_test

from studies.clusters import LEAST_CLUSTERS, RESAMPLES, Interval, mean_over_clusters
from studies.mcnemar import ALPHA

SIZES = (3, 30, 4, 11, 6, 18, 3, 9)


def _drawn(seed: int, sizes: tuple[int, ...] = SIZES) -> tuple[np.ndarray, np.ndarray]:
    """Values in -1, -2/3 … 1, as three seeds leave them, and their clusters."""
    drawn = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    lean = drawn.normal(0.3, 0.7, len(sizes))[clusters]
    return np.clip(np.rint(drawn.normal(lean, 1.0)), -3, 3) / 3, clusters


def test_the_estimate_is_the_mean_over_samples() -> None:
    values, clusters = _drawn(0)

    assert mean_over_clusters(values, clusters).estimate == pytest.approx(values.mean())


@pytest.mark.parametrize("seed", range(4))
def test_p_is_that_of_all_sign_flips_of_the_clusters_sums(seed: int) -> None:
    values, clusters = _drawn(seed)
    sums = np.rint(3 * np.bincount(clusters, values))
    flips = permutation_test(
        (sums, np.zeros_like(sums)),
        lambda a, b, axis: (a - b).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )

    assert mean_over_clusters(values, clusters).p == pytest.approx(flips.pvalue)


@pytest.mark.parametrize("sizes", [SIZES[:6], SIZES, SIZES * 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_holds_what_the_test_does_not_reject(sizes: tuple[int, ...], seed: int) -> None:
    values, clusters = _drawn(seed, sizes)
    interval = mean_over_clusters(values, clusters)

    def p(mean: float) -> float:
        return mean_over_clusters(values - mean, clusters).p or 0.0

    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= interval.estimate <= interval.high
    assert p(interval.low - 1e-6) < ALPHA <= p(interval.low + 1e-6)
    assert p(interval.high + 1e-6) < ALPHA <= p(interval.high - 1e-6)


@pytest.mark.parametrize("sizes", [SIZES[:7], SIZES * 2])
def test_p_is_small_just_where_the_interval_leaves_out_nought(sizes: tuple[int, ...]) -> None:
    intervals = [mean_over_clusters(*_drawn(seed, sizes)) for seed in range(60)]
    small = [interval.p is not None and interval.p < ALPHA for interval in intervals]

    assert small == [bool(i.low and i.low > 0) or bool(i.high and i.high < 0) for i in intervals]
    assert 0 < sum(small) < len(small)


def test_more_clips_of_the_same_subjects_add_nothing() -> None:
    values, clusters = _drawn(1)
    once, often = (
        mean_over_clusters(values, clusters),
        mean_over_clusters(np.tile(values, 9), np.tile(clusters, 9)),
    )

    assert (often.low, often.high, often.p) == pytest.approx((once.low, once.high, once.p))


def test_many_clusters_are_drawn_the_same_by_the_same_seed() -> None:
    values, clusters = _drawn(2, SIZES * 4)
    one, again, other = (mean_over_clusters(values, clusters, seed=seed) for seed in (5, 5, 6))

    assert one == again
    assert one != other
    assert one.low == pytest.approx(other.low, abs=0.01)


def test_names_and_order_of_the_clusters_do_not_matter() -> None:
    values, clusters = _drawn(3)
    named = mean_over_clusters(values[::-1], [f"sub{cluster:02d}" for cluster in clusters[::-1]])
    numbered = mean_over_clusters(values, clusters)

    assert (named.low, named.high, named.p) == pytest.approx((numbered.low, numbered.high, numbered.p))


def test_too_few_clusters_leave_only_the_estimate() -> None:
    few = LEAST_CLUSTERS - 1
    interval = mean_over_clusters([0.5, 0.25] * few, list(range(few)) * 2)

    assert interval == Interval(estimate=0.375, low=None, high=None, p=None, clusters=few, samples=2 * few)
    assert not interval.within(1.0)


def test_the_fewest_clusters_can_tell_arms_apart() -> None:
    p = mean_over_clusters([1.0] * LEAST_CLUSTERS, range(LEAST_CLUSTERS)).p

    assert p == 2 / 2**LEAST_CLUSTERS < ALPHA


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.25, 1 / RESAMPLES)])
def test_equal_values_leave_no_room(value: float, p: float) -> None:
    interval = mean_over_clusters([value] * 60, list(range(30)) * 2)

    assert interval == Interval(estimate=value, low=value, high=value, p=p, clusters=30, samples=60)


def test_sums_that_cancel_but_for_rounding_are_nought() -> None:
    interval = mean_over_clusters([0.1, 0.2, -0.3] * 8, np.repeat(np.arange(8), 3))

    assert (interval.low, interval.high, interval.p) == (0, 0, 1)


@pytest.mark.parametrize(
    ("low", "high", "within"), [(-0.05, 0.05, True), (-0.06, 0, False), (0, 0.06, False)]
)
def test_within_takes_both_ends(low: float, high: float, within: bool) -> None:
    assert Interval(estimate=0.0, low=low, high=high, p=1.0, clusters=9, samples=60).within(0.05) is within


@pytest.mark.parametrize(
    ("values", "clusters", "told"),
    [
        ([], [], r"\(0,\)"),
        ([0.5, float("nan")], [1, 2], "1 not finite"),
        ([0.5, 1.0], [1], r"2 values.*\(1,\)"),
    ],
)
def test_refuses_what_has_no_mean(values: list[float], clusters: list[int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        mean_over_clusters(values, clusters)


def test_agreement_on_few_samples_shows_no_lack_of_difference() -> None:
    few, many = (mean_over_clusters([0.0] * n, [i % 10 for i in range(n)]) for n in (50, 60))

    assert (few.low, few.high, few.within(0.05)) == (0.0, 0.0, False)
    assert many.within(0.05)
