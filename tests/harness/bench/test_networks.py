from collections.abc import Iterator

import pytest

from harness.bench.networks import _time_in_rotation, format_engine
from studies.spec import TrainingSpec


@pytest.mark.parametrize(
    ("training", "text"),
    [
        (TrainingSpec(engine="eager"), "eager, own layout, float32"),
        (TrainingSpec(engine="fused", precision="bfloat16"), "fused, own layout, bfloat16"),
        (TrainingSpec(engine="eager", deterministic=True), "eager, own layout, float32, deterministic"),
    ],
)
def test_engine_is_described_by_layout_and_precision(training: TrainingSpec, text: str) -> None:
    assert format_engine(training) == text


def test_layout_can_be_named() -> None:
    assert format_engine(TrainingSpec(engine="eager"), layout="NCHW") == "eager, NCHW, float32"


def test_loops_run_in_rotation_and_the_first_round_only_warms_up() -> None:
    calls: list[str] = []

    def loop(name: str) -> Iterator[float]:
        while True:
            calls.append(name)
            yield 10.0 * len(calls)

    times = _time_in_rotation((loop("a"), loop("b"), loop("c")), rounds=2, divisor=10)

    assert "".join(calls) == "abc" + "bca" + "cab"
    assert times == ((6.0, 8.0), (4.0, 9.0), (5.0, 7.0))
