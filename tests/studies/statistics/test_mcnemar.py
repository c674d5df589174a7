import pytest
from statsmodels.stats.contingency_tables import mcnemar

from studies.statistics.mcnemar import compute_mcnemar_p
from tests.error_codes import raises_code


@pytest.mark.parametrize(("wins", "losses"), [(6, 0), (0, 5), (3, 3), (1, 9), (40, 22), (700, 600)])
def test_agrees_with_statsmodels(wins: int, losses: int) -> None:
    expected = mcnemar([[50, wins], [losses, 7]], exact=True).pvalue

    assert compute_mcnemar_p(wins, losses) == pytest.approx(expected, rel=1e-9)
    assert compute_mcnemar_p(losses, wins) == pytest.approx(expected, rel=1e-9)


def test_no_discordant_unit_gives_p_of_1() -> None:
    assert compute_mcnemar_p(0, 0) == 1


def test_six_wins_without_a_loss_are_significant() -> None:
    assert compute_mcnemar_p(6, 0) < 0.05 <= compute_mcnemar_p(5, 0)


def test_negative_count_is_refused() -> None:
    with raises_code("mcnemar-count.negative", "3 and -1"):
        compute_mcnemar_p(3, -1)
