import json
from typing import Any

import pytest

from architectures.catalogue import CATALOGUE
from harness.bench.results import (
    MAX_LINEAR_EXPONENT,
    BenchResult,
    BenchSettings,
    GrowthCurve,
    Latency,
    NetworkBenchResult,
    TrainingTimes,
)
from studies.results import Environment

TIMES = TrainingTimes(harness=(0.1, 0.4), files=(0.2, 0.2), memory=(0.1, 0.2))


def _build_network(**changes: Any) -> NetworkBenchResult:
    values: dict[str, Any] = {
        "name": "proposed",
        "width": 0.25,
        "image_size": 64,
        "steps": 2,
        "default_engine": "fused",
        "training_times": TIMES,
        "latency": (Latency(batch_size=1, batches=98, p50=1.0, p95=2.0, p99=3.0),),
        "peak_bytes": None,
        "step_times": {"fused": (0.25, 0.75)},
        "deterministic_ratios": (),
        "shared_step_times": None,
    }
    return NetworkBenchResult(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 1}, "--batch must be at least 2; got 1"),
        ({"batch": 4097}, "--batch must be at most 4096; got 4097"),
        ({"rounds": 0}, "--rounds must be at least 1; got 0"),
        ({"steps": 10_001}, "--steps must be at most 10000; got 10001"),
        ({"only": ("vgg17",)}, "unknown architecture 'vgg17'"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BenchSettings(**changes)


def test_settings_build_distinct_architectures_at_the_requested_width() -> None:
    assert [spec.name for spec in BenchSettings().build_specs()] == list(CATALOGUE)
    specs = BenchSettings(only=("proposed", "resnet34", "proposed"), width=0.5).build_specs()
    assert [(spec.name, spec.width) for spec in specs] == [("proposed", 0.5), ("resnet34", 1.0)]


def test_times_are_divided_round_by_round() -> None:
    assert TIMES.files_ratios == pytest.approx((0.5, 2.0))
    assert TIMES.memory_ratios == pytest.approx((1.0, 2.0))


def test_document_of_a_network_has_rounds_and_medians() -> None:
    document = _build_network().to_dict()
    training = document["training"]
    assert training["harness_seconds_per_image"] == [0.1, 0.4]
    assert training["harness_images_per_second"] == pytest.approx(4.0)
    assert training["over_files_median"] == pytest.approx(1.25)
    assert document["seconds_per_step"] == {"fused": {"rounds": [0.25, 0.75], "median": 0.5}}
    assert document["shared_seconds_per_step"] is None


def test_document_names_the_times_of_shared_cores() -> None:
    document = _build_network(shared_step_times=(1.0, 1.8)).to_dict()
    assert document["shared_seconds_per_step"] == {"alone": 1.0, "two_at_once": 1.8}


@pytest.mark.parametrize(
    ("power", "linearity"),
    [
        (0.5, "no worse than linear"),
        (MAX_LINEAR_EXPONENT - 0.01, "no worse than linear"),
        (2.0, "worse than linear"),
    ],
)
def test_exponent_of_a_power_is_the_power(power: float, linearity: str) -> None:
    sizes = (2, 6, 20)
    curve = GrowthCurve(quantity="cells", sizes=sizes, seconds=tuple(0.1 * size**power for size in sizes))
    assert curve.exponent == pytest.approx(power)
    assert curve.linearity == linearity


def test_document_of_a_benchmark_is_json() -> None:
    bench = BenchResult(
        environment=Environment(
            device="cpu", platform="Linux", threads=1, versions=(("torch", "2.6"),), commit="abc"
        ),
        load=None,
        settings=BenchSettings(),
        engine_reason="fused kernels",
        networks=(_build_network(),),
        growth=(GrowthCurve(quantity="cells", sizes=(1, 3), seconds=(1.0, 3.0)),),
    )
    document = json.loads(json.dumps(bench.to_dict()))
    assert document["versions"] == {"torch": "2.6"}
    assert (document["load"], document["engine"]) == (None, "fused kernels")
    assert [network["name"] for network in document["networks"]] == ["proposed"]
    assert document["growth"][0]["exponent"] == pytest.approx(1.0)
