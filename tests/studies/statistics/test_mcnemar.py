from math import comb

import pytest
from statsmodels.stats.contingency_tables import mcnemar

from studies.statistics.mcnemar import ALPHA, DISCORDANCE, POWER, exact, power, smallest_difference


@pytest.mark.parametrize(("wins", "losses"), [(6, 0), (0, 5), (3, 3), (1, 9), (40, 22), (700, 600)])
def test_agrees_with_statsmodels(wins: int, losses: int) -> None:
    expected = mcnemar([[50, wins], [losses, 7]], exact=True).pvalue

    assert exact(wins, losses) == pytest.approx(expected, rel=1e-9)
    assert exact(losses, wins) == pytest.approx(expected, rel=1e-9)


def test_arms_that_answer_alike_do_not_differ() -> None:
    assert exact(0, 0) == 1


def test_six_answers_without_a_loss_are_the_least_that_tells() -> None:
    assert exact(6, 0) < ALPHA <= exact(5, 0)


def test_refuses_what_is_no_count() -> None:
    with pytest.raises(ValueError, match="got 3 and -1"):
        exact(3, -1)


@pytest.mark.parametrize(
    ("n", "difference", "discordance"), [(14, 0.3, 0.6), (14, 0.0, 0.5), (9, 0.8, 0.8), (7, 1.0, 1.0)]
)
def test_power_is_the_share_over_every_outcome(n: int, difference: float, discordance: float) -> None:
    win, lose = (discordance + difference) / 2, (discordance - difference) / 2
    share = sum(
        comb(n, wins) * comb(n - wins, losses) * win**wins * lose**losses * (1 - discordance) ** rest
        for wins in range(n + 1)
        for losses in range(n + 1 - wins)
        if (rest := n - wins - losses) >= 0 and exact(wins, losses) < ALPHA
    )

    assert power(n, difference, discordance=discordance) == pytest.approx(share, abs=1e-7)


@pytest.mark.parametrize("n", [1, 6, 25, 98, 255, 2000])
def test_no_difference_is_found_more_often_than_allowed(n: int) -> None:
    assert power(n, 0.0, discordance=DISCORDANCE) <= ALPHA


def test_arms_that_never_answer_differently_are_never_told_apart() -> None:
    assert power(100, 0.0, discordance=0.0) == 0


@pytest.mark.parametrize(
    ("n", "difference", "discordance"), [(0, 0.1, 0.2), (9, 0.3, 0.2), (9, -0.1, 0.2), (9, 0.1, 1.2)]
)
def test_power_refuses_impossible_shares(n: int, difference: float, discordance: float) -> None:
    with pytest.raises(ValueError, match=f"n = {n}, difference = {difference}, discordance = {discordance}"):
        power(n, difference, discordance=discordance)


@pytest.mark.parametrize("n", [6, 10, 25, 98, 255, 20_000])
def test_the_smallest_difference_is_just_found_often_enough(n: int) -> None:
    least = smallest_difference(n)

    assert least is not None
    assert power(n, least, discordance=max(DISCORDANCE, least)) >= POWER
    less = least - 1e-4
    assert power(n, less, discordance=max(DISCORDANCE, less)) < POWER


def test_the_smallest_difference_grows_with_what_is_answered_differently() -> None:
    few, many = smallest_difference(255, discordance=0.1), smallest_difference(255, discordance=0.4)

    assert few is not None
    assert many is not None
    assert few < many


@pytest.mark.parametrize("n", [0, 1, 5])
def test_too_few_units_find_nothing(n: int) -> None:
    assert smallest_difference(n) is None


def test_refuses_a_discordance_that_is_no_share() -> None:
    with pytest.raises(ValueError, match=r"got 1\.5"):
        smallest_difference(50, discordance=1.5)
