"""What the verdicts promise, on simulated studies: few false alarms, differences found, intervals that hold.

A study has subjects with 3 to 30 clips each, as CASME II has. Whether an arm answers a clip right depends on
the subject, the clip, and how well the arm suits the subject; all arms are drawn alike but for what is
planted. Bounds allow for the error of as many studies as are drawn.
"""

import gc
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import binom

from studies.clusters import Interval, mean_over_clusters
from studies.mcnemar import ALPHA, DISCORDANCE, POWER, exact, smallest_difference
from studies.verdicts import Judgement, Pair, judged

STUDIES = 600
LEVEL, SUBJECTS_SD, CLIPS_SD = 0.6, 1.0, 1.0
SUITS_SD = 0.5
"""How unequally an arm suits subjects, on the logit scale; accuracies here are about 62 %."""


@pytest.fixture(autouse=True, scope="module")
def collected() -> Iterator[None]:
    """Statsmodels collects all garbage at each call, 30 ms with what else is loaded; spare it that."""
    gc.freeze()
    yield
    gc.unfreeze()


def _study(
    drawn: np.random.Generator, shifts: tuple[float, ...], *, subjects: int, seeds: int, suits: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The subject of each clip, (N,), and its correctness by arm and seed, (arms, seeds, N)."""
    member = np.repeat(np.arange(subjects), drawn.integers(3, 31, subjects))
    clips = LEVEL + drawn.normal(0, SUBJECTS_SD, subjects)[member] + drawn.normal(0, CLIPS_SD, len(member))
    suited = np.array(shifts)[:, None] + drawn.normal(0, suits, (len(shifts), subjects))
    chance = expit(clips + suited[:, member])[:, None]
    return member, (drawn.random((len(shifts), seeds, len(member))) < chance).astype(np.float64)


def _accuracy(shift: float) -> float:
    """The true accuracy of an arm over all subjects and clips there could be."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    spread = np.sqrt(SUBJECTS_SD**2 + CLIPS_SD**2 + SUITS_SD**2)
    return float(weights @ expit(LEVEL + shift + spread * points) / weights.sum())


def _rungs(
    member: NDArray[np.intp], correct: NDArray[np.float64], *, independent: bool
) -> tuple[Judgement, ...]:
    """Each arm against the one before it; by McNemar without intervals if the units are independent."""
    pairs = []
    for rung in range(1, len(correct)):
        difference = correct[rung] - correct[rung - 1]
        mean = float(difference.mean())
        none = Interval(estimate=mean, low=None, high=None, p=None, clusters=1, samples=200)
        pairs.append(
            Pair(
                first=f"rung {rung}",
                second=f"rung {rung + 1}",
                difference=mean,
                wins=int((difference > 0).sum()) if len(difference) == 1 else None,
                losses=int((difference < 0).sum()) if len(difference) == 1 else None,
                interval=none if independent else mean_over_clusters(difference.mean(axis=0), member),
            )
        )
    return judged(pairs, independent=independent)


def _false_alarms(*, subjects: int, seeds: int, suits: float, independent: bool) -> int:
    """Studies of five identical arms in which any rung is called better or worse."""
    drawn = np.random.default_rng(11)
    studies = (_study(drawn, (0.0,) * 5, subjects=subjects, seeds=seeds, suits=suits) for _ in range(STUDIES))
    return sum(
        any(judgement.word in ("better", "worse") for judgement in _rungs(*study, independent=independent))
        for study in studies
    )


@pytest.mark.parametrize(
    ("seeds", "suits", "independent"), [(1, SUITS_SD, False), (3, SUITS_SD, False), (1, 0.0, True)]
)
def test_identical_arms_are_seldom_told_apart(seeds: int, suits: float, independent: bool) -> None:
    alarms = _false_alarms(subjects=26, seeds=seeds, suits=suits, independent=independent)

    assert alarms <= binom.isf(0.01, STUDIES, ALPHA)


def test_mcnemar_is_not_for_clips_that_depend_on_subjects() -> None:
    alarms = _false_alarms(subjects=26, seeds=1, suits=SUITS_SD, independent=True)

    assert alarms > 2 * ALPHA * STUDIES


@pytest.mark.parametrize("n", [25, 98, 255])
def test_the_smallest_difference_is_found(n: int) -> None:
    planted, studies = smallest_difference(n), 3000
    assert planted is not None
    discordance = max(DISCORDANCE, planted)
    win, lose = (discordance + planted) / 2, (discordance - planted) / 2
    outcomes = np.random.default_rng(12).multinomial(n, (win, lose, 1 - discordance), studies)
    p = cache(exact)
    found = sum(p(int(wins), int(losses)) < ALPHA for wins, losses, _ in outcomes)

    assert found >= binom.ppf(0.01, studies, POWER)


def test_ten_points_are_found_over_26_subjects_and_3_seeds() -> None:
    drawn, studies, shift = np.random.default_rng(13), 400, 0.62
    found = sum(
        _rungs(*_study(drawn, (0.0, shift), subjects=26, seeds=3, suits=SUITS_SD), independent=False)[0].word
        == "better"
        for _ in range(studies)
    )

    assert _accuracy(shift) - _accuracy(0) == pytest.approx(0.1, abs=0.001)
    assert found / studies >= POWER


@pytest.mark.parametrize(("subjects", "most"), [(6, 1.0), (10, 0.975), (26, 0.975)])
def test_intervals_cover_the_true_difference(subjects: int, most: float) -> None:
    drawn, shift = np.random.default_rng(14), 0.66
    truth, covered = _accuracy(shift) - _accuracy(0), 0
    for _ in range(STUDIES):
        member, correct = _study(drawn, (0.0, shift), subjects=subjects, seeds=3, suits=SUITS_SD)
        interval = mean_over_clusters((correct[1] - correct[0]).mean(axis=0), member)
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= truth <= interval.high

    assert 0.925 <= covered / STUDIES <= most
