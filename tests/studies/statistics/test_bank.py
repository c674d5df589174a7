"""Tests of error rates on real trainings of one small network; see `tests/simulation/make_bank.py`."""

import numpy as np
import pytest

from studies.spec import Metric
from tests.simulation.bank import accuracies, detections, false_alarms
from tests.simulation.grid import lower_bound

pytestmark = pytest.mark.slow

FAMILIES = 2000


@pytest.mark.parametrize("protocol", ["frame", "subject", "loso"])
@pytest.mark.parametrize("metric", ["accuracy", "uar", "uf1"])
def test_false_verdicts_on_bank_families_are_rare(protocol: str, metric: Metric) -> None:
    alarms = false_alarms(protocol, families=FAMILIES, metric=metric)

    assert lower_bound(alarms, studies=FAMILIES) <= 0.05


def test_trainings_of_one_network_differ_by_points() -> None:
    """Without this noise the bank would be no evidence."""
    deviations = [values.std(ddof=1) for values in accuracies("frame")]

    assert np.mean(deviations) > 0.02


def test_half_the_epochs_are_detected_as_worse() -> None:
    assert detections("half", "frame", families=400) >= 0.8 * 400
