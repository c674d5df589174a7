"""Run the measurements of `harness bench`."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch

from architectures.catalogue import min_image_size
from architectures.spec import ArchitectureSpec
from datasets.synthetic.generator import SyntheticSpec, synthesize
from harness.bench.core_sharing import measure_core_sharing
from harness.bench.growth import measure_growth
from harness.bench.peak_memory import measure_peak_memory
from harness.bench.results import BenchResult, BenchSettings, Latency, NetworkBenchResult, TrainingTimes
from harness.bench.timing import compute_ratios, measure_seconds
from harness.bench.training_loops import (
    Workload,
    load_faces,
    time_file_epochs,
    time_harness_epochs,
    time_memory_epochs,
    write_image_files,
)
from harness.device import collect_environment
from harness.progress import progress_bars
from harness.training.engine import (
    EngineChoice,
    configure_backend,
    make_forward,
    select_engine,
)
from harness.training.evaluation import compute_logits
from studies.spec import TrainingSpec

FACES_SPEC = SyntheticSpec(subjects=4, clips=24, frames=7, balance=True, amplitude=4.0)
"""Synthetic faces for training, in files of the same size as CASME II's."""

MAX_EPOCH_SECONDS = 3.0
"""Maximum seconds of an epoch in the benchmark; an epoch has at least `MIN_STEPS` steps."""

MIN_STEPS = 2

LATENCY_BATCH_SIZES = (1, 32)
MAX_LATENCY_BATCHES, MIN_LATENCY_BATCHES, LATENCY_SECONDS = 100, 10, 3.0
"""Maximum and minimum number of batches for a latency; after these seconds the minimum suffices."""

PERCENTILES = (50, 95, 99)


def benchmark_networks(settings: BenchSettings, *, device: torch.device) -> BenchResult:
    """Measure all networks on synthetic faces, and the growth curves if requested."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    # The setting for deterministic algorithms takes effect only before the first use of the GPU.
    configure_backend(TrainingSpec(deterministic=settings.deterministic and device.type != "cpu"))
    engine_choice = select_engine(device, engine="auto", precision="auto", deterministic=False)
    with (
        tempfile.TemporaryDirectory(prefix="harness-bench-") as folder,
        progress_bars("networks") as (progress,),
    ):
        faces = synthesize(FACES_SPEC, Path(folder) / "faces")
        specs, networks = settings.build_specs(), []
        for index, spec in enumerate(specs):
            progress(index, len(specs))
            networks.append(
                _benchmark_network(spec, settings, engine_choice=engine_choice, device=device, faces=faces)
            )
        progress(len(specs), len(specs))
        growth = measure_growth(faces, engine_choice=engine_choice, device=device) if settings.growth else ()
    return BenchResult(
        environment=collect_environment(device),
        load=load,
        settings=settings,
        engine_reason=engine_choice.reason,
        networks=tuple(networks),
        growth=growth,
    )


def _benchmark_network(
    spec: ArchitectureSpec,
    settings: BenchSettings,
    *,
    engine_choice: EngineChoice,
    device: torch.device,
    faces: Path,
) -> NetworkBenchResult:
    training = engine_choice.apply_to(TrainingSpec(batch_size=settings.batch))
    workload = Workload(
        spec=spec,
        training=training,
        pixels=load_faces(faces, max(settings.image_size, min_image_size(spec))),
        steps=1,
        device=device,
    )
    workload = replace(workload, steps=_choose_step_count(workload, max_steps=settings.steps))
    step_times = _measure_step_times(workload, settings)
    deterministic_engine = f"{format_engine(training)}, deterministic"
    deterministic_ratios = (
        compute_ratios(step_times[deterministic_engine], step_times[format_engine(training)])
        if deterministic_engine in step_times
        else ()
    )
    return NetworkBenchResult(
        name=spec.name,
        width=spec.width,
        image_size=workload.image_size,
        steps=workload.steps,
        default_engine=format_engine(training),
        training_times=_measure_training(workload, rounds=settings.rounds),
        latency=_measure_latency(workload),
        peak_bytes=measure_peak_memory(workload),
        step_times=step_times,
        deterministic_ratios=deterministic_ratios,
        shared_step_times=measure_core_sharing(workload) if settings.shared else None,
    )


def format_engine(training: TrainingSpec, *, layout: str = "own layout") -> str:
    """Describe the engine, memory layout and precision of a training step."""
    parts = (
        training.engine,
        layout,
        training.precision,
        *(("deterministic",) if training.deterministic else ()),
    )
    return ", ".join(parts)


def _choose_step_count(workload: Workload, *, max_steps: int) -> int:
    """Choose the number of steps per epoch from the time of one step, measured without compilation."""
    eager_workload = replace(workload, training=workload.training.without_compilation())
    *_, step_seconds = islice(time_memory_epochs(eager_workload), 2)
    return min(max_steps, max(MIN_STEPS, math.floor(MAX_EPOCH_SECONDS / step_seconds)))


def _measure_training(workload: Workload, *, rounds: int) -> TrainingTimes:
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder:
        write_image_files(workload.pixels, Path(folder), count=workload.images_per_epoch)
        # The file loop must start first, so that its workers are forked before other networks exist.
        loops = (
            time_file_epochs(workload, Path(folder)),
            time_harness_epochs(workload),
            time_memory_epochs(workload),
        )
        file_times, harness_times, memory_times = _time_in_rotation(
            loops, rounds=rounds, divisor=workload.images_per_epoch
        )
    return TrainingTimes(harness=harness_times, files=file_times, memory=memory_times)


def _time_in_rotation(
    loops: tuple[Iterator[float], ...], *, rounds: int, divisor: int
) -> tuple[tuple[float, ...], ...]:
    """Return the seconds of each loop in each round, divided by `divisor`, after one warm-up round.

    Each round starts with the next loop, because a loop finds the CPU caches filled by the loop before it.
    """
    times: list[list[float]] = [[] for _ in loops]
    for start in range(rounds + 1):
        for offset in range(len(loops)):
            index = (start + offset) % len(loops)
            times[index].append(next(loops[index]) / divisor)
    return tuple(tuple(loop_times[1:]) for loop_times in times)


def _measure_step_times(workload: Workload, settings: BenchSettings) -> dict[str, tuple[float, ...]]:
    """Return the seconds per step of each engine that this device supports, measured in turn."""
    default = workload.training
    eager = replace(default, engine="eager")
    variants = [default, eager, replace(eager, precision="float32")]
    if settings.compiled:
        variants.append(replace(eager, engine="compiled"))
    if settings.deterministic and workload.device.type != "cpu":
        variants.append(replace(default, deterministic=True))
    workload = replace(workload, steps=max(1, workload.steps // 2))
    loops = {
        format_engine(variant): time_memory_epochs(replace(workload, training=variant))
        for variant in variants
    }
    for layout_name, layout in (("NCHW", torch.contiguous_format), ("channels last", torch.channels_last)):
        loops[format_engine(eager, layout=layout_name)] = time_memory_epochs(
            replace(workload, training=eager), layout=layout
        )
    times = _time_in_rotation(tuple(loops.values()), rounds=settings.rounds, divisor=workload.steps)
    return dict(zip(loops, times, strict=True))


def _measure_latency(workload: Workload) -> tuple[Latency, ...]:
    configure_backend(workload.training)
    network = workload.init_network()
    step = make_forward(network, workload.training)
    latencies = []
    for batch in LATENCY_BATCH_SIZES:
        images = workload.load_data(batch).images
        times: list[float] = []
        start = time.perf_counter()
        while len(times) < MIN_LATENCY_BATCHES or (
            len(times) < MAX_LATENCY_BATCHES and time.perf_counter() - start < LATENCY_SECONDS
        ):
            infer = partial(compute_logits, network, images, forward=step)
            times.append(measure_seconds(infer, device=workload.device))
        # The first two batches warm up.
        milliseconds = sorted(1000 * value for value in times[2:])
        p50, p95, p99 = (
            milliseconds[math.ceil(percentile / 100 * len(milliseconds)) - 1] for percentile in PERCENTILES
        )
        latencies.append(Latency(batch_size=batch, batches=len(milliseconds), p50=p50, p95=p95, p99=p99))
    return tuple(latencies)
