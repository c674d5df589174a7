from typing import Any

import pytest

from reports.noise import measure_noise
from reports.outcomes import evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from studies.statistics.power import Noise
from tests.reports.conftest import Built


def _measured(built: type[Built], right: Any, **kwargs: Any) -> Noise | None:
    """Measure the noise of runs on 96 clips of 12 subjects; right(name, c, spec) is True if c is correct."""

    def choose(spec: RunSpec) -> RunResult:
        name = spec.architecture.name
        return built.answered(spec, [right(name, c, spec) for c in range(96)], subjects=12)

    return measure_noise(
        evaluate_study(built.finish(built.study(protocols=("subject",), **kwargs), choose)), "subject"
    )


def test_trainings_and_answers_of_one_network(built: type[Built]) -> None:
    """60 and 72 of 96 clips are correct, 12 of them in only one training.

    The variance of the accuracies is (12/96)^2 / 2; changed predictions alone would give (1/8) / (2 * 96).
    """
    found = _measured(built, lambda _, c, spec: c < 60 + 12 * spec.seed, only=("proposed",), seeds=(0, 1))

    assert found.discordance == pytest.approx(1 / 8)
    assert found.training_sd**2 == pytest.approx((1 / 8) ** 2 / 2 - 1 / 8 / (2 * 96))
    assert found.subject_sd == 0
    assert found.source == "measured on 2 finished trainings of this study"


def test_answers_that_change_without_moving_the_accuracy_are_no_training_noise(built: type[Built]) -> None:
    found = _measured(
        built,
        lambda _, c, spec: c % 8 < 6 if spec.seed else c % 8 >= 2,
        only=("proposed",),
        seeds=(0, 1),
    )

    assert found.discordance == pytest.approx(4 / 8)
    assert found.training_sd == 0


def test_subjects_whom_one_network_suits_more(built: type[Built]) -> None:
    """proposed has all clips correct; vgg16 misses 0 to 3 of 8 per subject: the variance of 0/8 to 3/8."""
    lacking = [0, 1, 2, 3] * 3
    found = _measured(
        built,
        lambda name, c, _: name == "proposed" or c // 12 >= lacking[c % 12],
        seeds=(0, 1),
    )
    variance = sum((each - 1.5) ** 2 for each in lacking) / 11

    assert (found.discordance, found.training_sd) == (0, 0)
    assert found.subject_sd**2 == pytest.approx(variance / 8**2)


def test_trainings_on_other_divisions_are_not_compared(built: type[Built]) -> None:
    def right(_: str, c: int, spec: RunSpec) -> bool:
        return c < 60 + 24 * spec.split_seed

    assert _measured(built, right, split_seeds=(0, 1)) is None
    found = _measured(built, right, split_seeds=(0, 1), seeds=(0, 1))
    assert (found.training_sd, found.discordance) == (0, 0)


def test_one_training_and_collapsed_networks_measure_nothing(built: type[Built]) -> None:
    assert _measured(built, lambda _, c, spec: c % 3 > 0) is None
    assert _measured(built, lambda _, c, spec: c < 48, seeds=(0, 1)) is None
