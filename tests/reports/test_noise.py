from typing import Any

import pytest

from reports.noise import measure_noise
from reports.outcomes import evaluate_study
from studies.results import RunResult
from studies.spec import RunSpec
from studies.statistics.power import Noise
from tests.reports.conftest import Factory


def _find_noise(factory: type[Factory], right: Any, **kwargs: Any) -> Noise | None:
    """Measure the noise of runs on 96 clips of 12 subjects; right(name, c, spec) is True if c is correct."""

    def choose(spec: RunSpec) -> RunResult:
        name = spec.architecture.name
        return factory.run_from_correctness(spec, [right(name, c, spec) for c in range(96)], subjects=12)

    return measure_noise(
        evaluate_study(factory.finish(factory.study(protocols=("subject",), **kwargs), choose)), "subject"
    )


def _measure(factory: type[Factory], right: Any, **kwargs: Any) -> Noise:
    """Return the noise of `_find_noise`, which must be measurable."""
    noise = _find_noise(factory, right, **kwargs)
    assert noise is not None
    return noise


def test_training_noise_and_discordance_of_one_network(factory: type[Factory]) -> None:
    """60 and 72 of 96 clips are correct, 12 of them in only one training.

    The variance of the accuracies is (12/96)^2 / 2; changed predictions alone would give (1/8) / (2 * 96).
    """
    noise = _measure(factory, lambda _, c, spec: c < 60 + 12 * spec.seed, only=("proposed",), seeds=(0, 1))

    assert noise.discordance == pytest.approx(1 / 8)
    assert noise.training_sd**2 == pytest.approx((1 / 8) ** 2 / 2 - 1 / 8 / (2 * 96))
    assert noise.subject_sd == 0
    assert noise.source == "measured on 2 finished trainings of this study"


def test_changed_predictions_at_equal_accuracy_are_no_noise(factory: type[Factory]) -> None:
    noise = _measure(
        factory,
        lambda _, c, spec: c % 8 < 6 if spec.seed else c % 8 >= 2,
        only=("proposed",),
        seeds=(0, 1),
    )

    assert noise.discordance == pytest.approx(4 / 8)
    assert noise.training_sd == 0


def test_subject_noise_of_two_networks(factory: type[Factory]) -> None:
    """proposed has all clips correct; vgg16 misses 0 to 3 of 8 per subject: the variance of 0/8 to 3/8."""
    misses = [0, 1, 2, 3] * 3
    noise = _measure(
        factory,
        lambda name, c, _: name == "proposed" or c // 12 >= misses[c % 12],
        seeds=(0, 1),
    )
    variance = sum((miss - 1.5) ** 2 for miss in misses) / 11

    assert (noise.discordance, noise.training_sd) == (0, 0)
    assert noise.subject_sd**2 == pytest.approx(variance / 8**2)


def test_trainings_on_other_divisions_are_not_compared(factory: type[Factory]) -> None:
    def right(_: str, c: int, spec: RunSpec) -> bool:
        return c < 60 + 24 * spec.split_seed

    assert _find_noise(factory, right, split_seeds=(0, 1)) is None
    noise = _measure(factory, right, split_seeds=(0, 1), seeds=(0, 1))
    assert (noise.training_sd, noise.discordance) == (0, 0)


def test_one_training_and_collapsed_networks_measure_nothing(factory: type[Factory]) -> None:
    assert _find_noise(factory, lambda _, c, spec: c % 3 > 0) is None
    assert _find_noise(factory, lambda _, c, spec: c < 48, seeds=(0, 1)) is None
