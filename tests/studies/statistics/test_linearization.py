from typing import Literal

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from studies.statistics.linearization import linearize
from tests.error_codes import raises_code

RNG = np.random.default_rng(3)
TRUTHS = RNG.integers(0, 4, 60)
PREDICTED = np.where(RNG.random((5, 60)) < 0.6, TRUTHS, RNG.integers(0, 4, (5, 60)))
Linear = Literal["accuracy", "uar", "uf1", "precision"]
METRICS: tuple[Linear, ...] = ("accuracy", "uar", "uf1", "precision")


@pytest.mark.parametrize("metric", METRICS)
def test_values_are_those_of_scikit_learn(metric: Linear) -> None:
    values, _ = linearize(metric, TRUTHS, PREDICTED, num_classes=4)
    expected = {
        "accuracy": [accuracy_score(TRUTHS, row) for row in PREDICTED],
        "uar": [recall_score(TRUTHS, row, average="macro") for row in PREDICTED],
        "precision": [precision_score(TRUTHS, row, average="macro") for row in PREDICTED],
        "uf1": [f1_score(TRUTHS, row, average="macro") for row in PREDICTED],
    }

    assert values == pytest.approx(expected[metric])


@pytest.mark.parametrize("metric", METRICS)
def test_contributions_are_the_derivative_of_the_metric(metric: Linear) -> None:
    """A small increase of a unit's weight changes the metric by its contribution times N."""
    _, parts = linearize(metric, TRUTHS, PREDICTED, num_classes=4)
    often = 2000
    repeated = np.repeat(np.arange(60), often)
    one_more = np.append(repeated, 17)
    before, _ = linearize(metric, TRUTHS[repeated], PREDICTED[:, repeated], num_classes=4)
    after, _ = linearize(metric, TRUTHS[one_more], PREDICTED[:, one_more], num_classes=4)

    assert (after - before) * often == pytest.approx(parts[:, 17], rel=1e-3, abs=1e-7)
    assert parts.sum(axis=1) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_absent_class_is_excluded_from_means(metric: Linear) -> None:
    three = TRUTHS % 3
    values, _ = linearize(metric, three, PREDICTED % 3, num_classes=3)
    with_absent, _ = linearize(metric, three, PREDICTED % 3, num_classes=6)

    assert with_absent == pytest.approx(values)


def test_no_units_have_no_metric() -> None:
    with raises_code("metric.no-units"):
        linearize("accuracy", np.array([], dtype=int), np.empty((1, 0), dtype=int), num_classes=2)
