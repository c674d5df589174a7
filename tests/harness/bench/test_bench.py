"""Tests of `harness bench` on real files: every part is measured, and comparisons are made per round."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from architectures.catalogue import CATALOGUE, get_architecture, with_width
from datasets.synthetic.generator import synthesize
from harness.bench import core_sharing, growth, networks
from harness.bench.networks import FACES_SPEC, benchmark_networks
from harness.bench.results import BenchResult, BenchSettings, GrowthCurve, TrainingTimes
from harness.bench.timing import compute_ratios, format_median_range
from harness.bench.training_loops import (
    Workload,
    load_faces,
    time_file_epochs,
    time_harness_epochs,
    time_memory_epochs,
    write_image_files,
)
from studies.spec import TrainingSpec
from tests.harness.processes import cache_in
from tests.harness.tiny import Run

FEW_FACES = replace(FACES_SPEC, subjects=2, clips=12, frames=3)
TINY = ("--width", 1 / 16, "--image-size", 32, "--batch", 4, "--steps", 2, "--device", "cpu")

# Python 3.12 and later warn about every DataLoader with workers.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache with the kernels, so that no process that measures memory compiles them."""
    return Path(cache_in(tmp_path_factory.mktemp("bench")))


@pytest.fixture(autouse=True)
def short(kernel_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Measure as little as possible, on one thread: on busy cores threads would wait for each other."""
    monkeypatch.setenv("HARNESS_CACHE", str(kernel_cache))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(networks, "LATENCY_SECONDS", 0.1)
    monkeypatch.setattr(networks, "FACES_SPEC", FEW_FACES)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(FEW_FACES, tmp_path_factory.mktemp("bench") / "faces")


@pytest.fixture
def job(faces: Path) -> Workload:
    return Workload(
        spec=with_width(get_architecture("proposed"), 1 / 16),
        training=TrainingSpec(batch_size=4),
        pixels=load_faces(faces, 32),
        steps=2,
        device=torch.device("cpu"),
    )


def test_document_has_every_part_and_ratios_of_its_rounds(harness: Run) -> None:
    args = ("--only", "proposed,alexnet", "--rounds", 2, "--deterministic", "--json")
    status, out, _ = harness("bench", *TINY, *args)
    assert status == 0
    document = json.loads(out)
    assert document["device"].startswith("cpu")
    assert "torch" in document["versions"]
    assert document["settings"]["only"] == ["proposed", "alexnet"]
    assert document["growth"] == []
    assert document["load"] >= 0
    sizes = [(network["name"], network["image_size"]) for network in document["networks"]]
    assert sizes == [("proposed", 32), ("alexnet", 65)]
    for network in document["networks"]:
        assert network["steps"] == 2
        training = network["training"]
        for other in ("files", "memory"):
            own, step_times = training["harness_seconds_per_image"], training[f"{other}_seconds_per_image"]
            assert len(own) == len(step_times) == 2
            assert training[f"over_{other}"] == [a / b for a, b in zip(own, step_times, strict=True)]
            assert training[f"over_{other}_median"] == pytest.approx(sum(training[f"over_{other}"]) / 2)
        assert [latency["batch"] for latency in network["latency_ms"]] == [1, 32]
        for latency in network["latency_ms"]:
            assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
        assert network["peak_bytes"] > 0
        assert network["chosen"] in network["seconds_per_step"]
        assert {"eager, channels last, float32", "eager, NCHW, float32"} <= set(network["seconds_per_step"])
        assert all(len(way["rounds"]) == 2 for way in network["seconds_per_step"].values())
        assert network["deterministic_ratio"] == [], "on a CPU it is the same step"


def test_a_person_gets_tables_and_the_steps_and_curves_asked_for(
    harness: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "FACTORS", (1, 2))
    monkeypatch.setattr(growth, "REPEATS", 1)
    monkeypatch.setattr(growth, "FIRST_STEPS", 1)
    monkeypatch.setattr(core_sharing, "MIN_SECONDS", 0.1)
    measured: list[BenchResult] = []

    def original(settings: BenchSettings, *, device: torch.device) -> BenchResult:
        measured.append(benchmark_networks(settings, device=device))
        return measured[-1]

    monkeypatch.setattr(networks, "benchmark_networks", original)
    status, out, _ = harness("bench", *TINY, "--only", "proposed", "--rounds", 1, "--growth", "--shared")
    assert status == 0
    for title in (
        "Training speed, images per second",
        "Inference latency",
        "per training step, by engine",
        "by size of a study",
        "alone and with a second process on the same cores",
    ):
        assert title in out
    assert "| proposed (width 0.0625) |" in out
    for header in ("| frames ", "| epochs ", "| classes", "| cells "):
        assert header in out
    shared = measured[0].to_dict()["networks"][0]["shared_seconds_per_step"]
    assert set(shared) == {"alone", "two_at_once"}
    assert min(shared.values()) > 0
    assert not Path("mlflow.db").exists()
    assert not Path("results").exists()


def test_unknown_architecture_error_lists_known_ones(harness: Run) -> None:
    status, out, err = harness("bench", "--only", "vgg17")
    assert (status, out) == (2, "")
    assert (
        err
        == f"error: unknown architecture 'vgg17'; accepted: {', '.join(CATALOGUE)}. Did you mean 'vgg16'?\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--batch", 1, "--batch must be at least 2; got 1"),
        ("--rounds", 0, "--rounds must be at least 1; got 0"),
        ("--steps", 0, "--steps must be at least 1; got 0"),
        ("--width", 9, "width must be above 0 and at most 4; got 9.0"),
        ("--image-size", 4, "--image-size must be from 8 to 1024 pixels; got 4"),
        ("--device", "tpu", "unknown device 'tpu'; accepted: auto, cuda, mps, cpu. Did you mean 'cpu'?"),
    ],
)
def test_impossible_measurement_is_an_error(harness: Run, option: str, value: object, message: str) -> None:
    assert harness("bench", option, value) == (2, "", f"error: {message}\n")


def test_all_architectures_are_the_default_without_repeats() -> None:
    assert [spec.name for spec in BenchSettings().build_specs()] == list(CATALOGUE)
    assert [spec.name for spec in BenchSettings(only=("alexnet", "alexnet")).build_specs()] == ["alexnet"]


def test_ratios_pair_the_rounds() -> None:
    pace = TrainingTimes(harness=(1.0, 4.0), files=(2.0, 2.0), memory=(1.0, 8.0))
    assert pace.files_ratios == (0.5, 2.0)
    assert pace.memory_ratios == (1.0, 0.5)
    with pytest.raises(ValueError, match="longer"):
        compute_ratios((1.0,), (1.0, 2.0))
    assert format_median_range((3.0, 1.0, 2.0), "{:.0f}".format) == "2 (1 to 3)"
    assert format_median_range((3.0,), "{:.0f}".format) == "3"


@pytest.mark.parametrize(("power", "verdict"), [(0.5, "no worse"), (1, "no worse"), (2, "worse")])
def test_exponent_is_the_power_of_a_curve(power: float, verdict: str) -> None:
    curve = GrowthCurve(
        quantity="frames", sizes=(2, 6, 20), seconds=tuple(0.1 * n**power for n in (2, 6, 20))
    )
    assert curve.exponent == pytest.approx(power)
    assert curve.linearity.startswith(verdict)


def test_plain_script_reads_as_many_files_as_the_harness_has_images(job: Workload, tmp_path: Path) -> None:
    count = len(job.pixels.table.samples)
    write_image_files(job.pixels, tmp_path / "files", count=count + 3)
    assert len(list((tmp_path / "files").rglob("*.jpg"))) == count + 3
    part = job.load_data(count + 3)
    assert torch.equal(part.images[:3], part.images[-3:])
    assert torch.equal(part.labels[:3], part.labels[-3:])


def test_loops_train_their_own_network(
    job: Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image_files(job.pixels, tmp_path, count=job.images_per_epoch)
    networks: list[torch.nn.Module] = []
    build = Workload.init_network

    def original(self: Workload, **how: torch.memory_format) -> torch.nn.Module:
        networks.append(build(self, **how))
        return networks[-1]

    monkeypatch.setattr(Workload, "init_network", original)
    for loop in (time_harness_epochs(job), time_file_epochs(job, tmp_path), time_memory_epochs(job)):
        assert next(loop) > 0
    initial = build(job).state_dict()
    for network in networks:
        trained = network.state_dict()
        assert set(trained) == set(initial)
        assert any(not torch.equal(trained[name], initial[name]) for name in initial)
    assert len(networks) == 3
