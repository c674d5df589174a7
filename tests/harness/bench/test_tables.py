from dataclasses import replace

import pytest

from harness.bench.results import (
    BenchResult,
    BenchSettings,
    GrowthCurve,
    Latency,
    NetworkBenchResult,
    TrainingTimes,
)
from harness.bench.tables import SAME_STEP, render_bench
from studies.results import Environment

NETWORK = NetworkBenchResult(
    name="proposed",
    width=0.5,
    image_size=64,
    steps=4,
    default_engine="fused",
    training_times=TrainingTimes(harness=(0.02, 0.02), files=(0.04, 0.01), memory=(0.02, 0.02)),
    latency=(Latency(batch_size=1, batches=98, p50=1.25, p95=2.0, p99=3.0),),
    peak_bytes=3 << 20,
    step_times={"fused": (0.25, 0.25), "eager": (0.5, 0.7)},
    deterministic_ratios=(),
    shared_step_times=(0.2, 0.3),
)
BENCH = BenchResult(
    environment=Environment(device="cpu (test)", platform="Linux", threads=1, versions=(), commit=""),
    load=0.25,
    settings=BenchSettings(rounds=2),
    engine_reason="fused kernels",
    networks=(NETWORK,),
    growth=(),
)


def _find_row(text: str, title: str) -> list[str]:
    """Return the cells of the first row of the table with this title."""
    lines = text[text.index(title) :].split("\n")
    row = next(line for line in lines if line.startswith(("| proposed", "| cells")))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_header_states_device_engine_rounds_and_load() -> None:
    header = render_bench(BENCH).split("\n")[0]
    assert header.startswith("cpu (test); fused kernels; 2 rounds; load 0.2 at the start")
    assert "load" not in render_bench(replace(BENCH, load=None)).split("\n")[0]


def test_training_row_has_images_per_second_and_paired_ratios() -> None:
    assert _find_row(render_bench(BENCH), "Training speed") == [
        *("proposed (width 0.5)", "64", "4", "50.0", "40.0", "50.0"),
        *("1.25 (0.50 to 2.00)", "1.00 (1.00 to 1.00)"),
    ]


def test_latency_row_has_percentiles_and_the_peak_in_mib() -> None:
    assert _find_row(render_bench(BENCH), "Inference latency")[1:] == ["1.2", "2.0", "3.0", "3"]
    unknown = replace(BENCH, networks=(replace(NETWORK, peak_bytes=None),))
    assert _find_row(render_bench(unknown), "Inference latency")[-1] == "–"


@pytest.mark.parametrize(("ratios", "text"), [((), SAME_STEP), ((1.5, 1.5), "1.50 (1.50 to 1.50)")])
def test_deterministic_steps_have_a_column_on_request(ratios: tuple[float, ...], text: str) -> None:
    assert _find_row(render_bench(BENCH), "Milliseconds per training step, by engine")[1:] == ["250", "600"]
    bench = replace(
        BENCH,
        settings=BenchSettings(deterministic=True),
        networks=(replace(NETWORK, deterministic_ratios=ratios),),
    )
    assert _find_row(render_bench(bench), "Milliseconds per training step, by engine")[-1] == text


def test_shared_cores_have_a_table_on_request() -> None:
    title = "Milliseconds per training step, alone"
    assert title not in render_bench(BENCH)
    shared = replace(BENCH, settings=BenchSettings(shared=True))
    assert _find_row(render_bench(shared), title)[1:] == ["200", "300", "1.50"]


def test_growth_has_a_table_if_it_was_measured() -> None:
    assert "Seconds by size of a study" not in render_bench(BENCH)
    curve = GrowthCurve(quantity="cells", sizes=(1, 2), seconds=(0.5, 2.0))
    row = _find_row(render_bench(replace(BENCH, growth=(curve,))), "Seconds by size of a study")
    assert row == ["cells", "1: 0.5, 2: 2", "2.00", "worse than linear"]
