import math
import random
from collections.abc import Sequence

import pytest
from sklearn.metrics import brier_score_loss

from studies.calibration import (
    ReliabilityBin,
    compute_brier_score,
    compute_calibration_error,
    compute_mean_confidence,
    compute_reliability_bins,
)
from studies.results import Prediction
from tests.error_codes import raises_code


def _unit(truth: int, *probabilities: float) -> Prediction:
    return Prediction(id="x", subject="a", clip="", truth=truth, probabilities=probabilities)


# Two of three are correct at confidences 0.9, 0.9 and 0.875; the one at 0.625 is wrong.
FOUR = [_unit(0, 0.9, 0.1), _unit(1, 0.1, 0.9), _unit(1, 0.875, 0.125), _unit(1, 0.625, 0.375)]


def test_bins_of_four_units() -> None:
    low, high = compute_reliability_bins(FOUR, num_bins=4)

    # (0.5, 0.75] and (0.75, 1]; the two other bins are empty.
    assert low == ReliabilityBin(units=1, confidence=0.625, accuracy=0.0)
    assert high.units == 3
    assert high.accuracy == pytest.approx(2 / 3)
    assert high.confidence == pytest.approx((0.9 + 0.9 + 0.875) / 3)


def test_calibration_error_weighs_the_bins_by_their_units() -> None:
    # 3/4 of |2/3 - 2.675/3| = 0.675/3, and 1/4 of |0 - 0.625|.
    assert compute_calibration_error(FOUR, num_bins=4) == pytest.approx(3 / 4 * 0.225 + 1 / 4 * 0.625)
    # In one bin: accuracy 1/2, confidence 3.3/4.
    assert compute_calibration_error(FOUR, num_bins=1) == pytest.approx(0.825 - 0.5)


def test_fifteen_bins_separate_close_confidences() -> None:
    # 0.9 is in (13/15, 14/15], as does 0.875; 0.625 in (9/15, 10/15].
    assert [group.units for group in compute_reliability_bins(FOUR)] == [1, 3]
    # 0.86 is in (12/15, 13/15], a bin of its own.
    assert [group.units for group in compute_reliability_bins([*FOUR, _unit(0, 0.86, 0.14)])] == [1, 1, 3]


def test_upper_edge_belongs_to_its_bin() -> None:
    halves = compute_reliability_bins(
        [_unit(0, 0.5, 0.5), _unit(0, 0.5625, 0.4375), _unit(0, 1.0, 0.0)], num_bins=2
    )

    assert [group.units for group in halves] == [1, 2]


def test_confidence_rounded_past_one_is_in_the_last_bin() -> None:
    (group,) = compute_reliability_bins([_unit(0, 1.0000001, 0.0)])

    assert group.units == 1


def test_confidence_equal_to_accuracy_is_no_error() -> None:
    three_of_four = [_unit(int(n == 0), 0.75, 0.25) for n in range(4)]

    assert compute_calibration_error(three_of_four) == 0
    assert compute_mean_confidence(three_of_four) == 0.75


def test_brier_score_sums_squares_of_classes() -> None:
    # Right: 0.25^2 + 0.25^2 + 0. Wrong: 0.75^2 + (1 - 0.25)^2 + 0.
    right, wrong = _unit(0, 0.75, 0.25, 0.0), _unit(1, 0.75, 0.25, 0.0)

    assert compute_brier_score([right]) == 0.125
    assert compute_brier_score([wrong]) == 1.125
    assert compute_brier_score([right, wrong]) == 0.625


def test_brier_score_is_between_zero_and_two() -> None:
    assert compute_brier_score([_unit(0, 1.0, 0.0)]) == 0
    assert compute_brier_score([_unit(1, 1.0, 0.0)]) == 2


def test_brier_score_of_uniform_probabilities() -> None:
    assert compute_brier_score([_unit(2, *[0.25] * 4)]) == pytest.approx(1 - 1 / 4)


def _random_units(count: int) -> list[Prediction]:
    draw = random.Random(5)
    units = []
    for _ in range(count):
        weights = [draw.random() ** 3 for _ in range(4)]
        units.append(_unit(draw.randrange(4), *(weight / sum(weights) for weight in weights)))
    return units


def test_brier_score_sums_that_of_scikit_learn() -> None:
    units = _random_units(100)

    single = [
        brier_score_loss([unit.truth == c for unit in units], [unit.probabilities[c] for unit in units])
        for c in range(4)
    ]

    assert compute_brier_score(units) == pytest.approx(sum(single))


def _slow_error(units: Sequence[Prediction], bins: int) -> float:
    """Return the sum over bins of |correct predictions - summed confidences| / N, computed in a loop."""
    total = 0.0
    for m in range(bins):
        group = [unit for unit in units if m / bins < max(unit.probabilities) <= (m + 1) / bins]
        total += abs(sum((u.predicted_class == u.truth) - max(u.probabilities) for u in group))
    return total / len(units)


def test_calibration_error_equals_a_plain_loop() -> None:
    units = _random_units(300)

    assert math.isclose(compute_calibration_error(units), _slow_error(units, 15), rel_tol=1e-9)


def test_no_units_have_no_calibration() -> None:
    assert compute_reliability_bins([]) == ()
    for number in (compute_mean_confidence, compute_brier_score, compute_calibration_error):
        with raises_code("calibration.no-predictions"):
            number([])
    with raises_code("bin-count.too-small", "got 0"):
        compute_reliability_bins(FOUR, num_bins=0)
