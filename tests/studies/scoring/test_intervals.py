from dataclasses import replace

import pytest

from studies.scoring.intervals import estimate_difference, estimate_interval
from studies.scoring.metric_values import MAIN_METRICS
from tests.studies.prediction_files.synthetic import make_predictions

FIRST, SECOND = make_predictions(seed=0), make_predictions(seed=1)


@pytest.mark.parametrize("metric", MAIN_METRICS)
def test_interval_contains_its_value_and_order_flips_the_sign(metric: str) -> None:
    values = [estimate_interval(predictions, metric, num_classes=3) for predictions in (FIRST, SECOND)]
    forward = estimate_difference(FIRST, SECOND, metric, num_classes=3)
    reverse = estimate_difference(SECOND, FIRST, metric, num_classes=3)

    assert values[0]
    assert values[1]
    assert forward
    assert reverse
    assert values[0].low is not None
    assert values[0].high is not None
    assert 0 < values[0].low < values[0].value < values[0].high < 1
    assert (values[0].cluster_count, values[0].is_conditional) == (24, True)
    assert forward.value == pytest.approx(values[1].value - values[0].value) == pytest.approx(-reverse.value)
    assert reverse.high is not None
    assert forward.low == pytest.approx(-reverse.high)


def test_estimate_needs_known_subjects() -> None:
    assert estimate_interval(FIRST[:5], "UF1", num_classes=3) is None
    unknown = [replace(p, subject="") for p in FIRST]
    assert estimate_interval(unknown, "UF1", num_classes=3) is None


def test_few_subjects_have_an_estimate_without_interval() -> None:
    estimate = estimate_interval(FIRST[:25], "accuracy", num_classes=3)

    assert estimate
    assert (estimate.cluster_count, estimate.low) == (5, None)
