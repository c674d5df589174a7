import pytest
from scipy.stats import binomtest

from studies.intervals import wilson


@pytest.mark.parametrize(("correct", "n"), [(93, 98), (92, 98), (0, 5), (5, 5), (1, 2), (1055, 1074)])
def test_agrees_with_scipy(correct: int, n: int) -> None:
    interval = binomtest(correct, n).proportion_ci(method="wilson")

    assert wilson(correct, n) == pytest.approx((interval.low, interval.high), abs=1e-12)


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_refuses_what_is_no_share(correct: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{correct} of {n}"):
        wilson(correct, n)
