"""What the harness costs here: its training beside a plain script's and beside nothing but steps."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from architectures.catalogue import smallest_input
from architectures.spec import ArchitectureSpec
from datasets.synthetic.synthesize import SyntheticSpec, synthesize
from harness.bench.growth import grown
from harness.bench.loops import Job, files_epochs, harness_epochs, memory_epochs, pixels_of, write_files
from harness.bench.memory import peak
from harness.bench.results import Bench, Latency, NetworkBench, Pace, Settings
from harness.bench.shared import share_cores
from harness.bench.timed import paired, seconds
from harness.data.preparing import bar
from harness.device import environment
from harness.training.engine import PAYS, Choice, chosen, settle, stepping
from harness.training.evaluate import logits_of
from studies.spec import TrainingSpec

DRAWN = SyntheticSpec(subjects=4, clips=24, frames=7, balance=True, amplitude=4.0)
"""The faces that are trained on, as files of the size that CASME II's have."""

EPOCH = 3.0
"""Seconds of steps that an epoch of the bench holds at most, but never fewer than `LEAST_STEPS`."""

LEAST_STEPS = 2

BATCHES = (1, 32)
ANSWERS, LEAST_ANSWERS, ANSWERING = 100, 10, 3.0
"""Most batches answered for a latency; fewest, where they take longer than these seconds."""

PERCENTILES = (50, 95, 99)


def measured(settings: Settings, *, device: torch.device) -> Bench:
    """Measure every network in turn on faces drawn for it, and the growth curves where asked for."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    # Before the GPU is first used, which is when it takes its setting for deterministic algorithms.
    settle(TrainingSpec(deterministic=settings.deterministic and device.type != "cpu"))
    choice = chosen(
        device,
        engine="auto",
        precision="auto",
        deterministic=False,
        images=PAYS if settings.compiled else 0,
    )
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as place, bar("networks") as progress:
        faces = synthesize(DRAWN, Path(place) / "faces")
        specs, networks = settings.specs(), []
        for number, spec in enumerate(specs):
            progress(number, len(specs))
            networks.append(_network(spec, settings, choice=choice, device=device, faces=faces))
        progress(len(specs), len(specs))
        growth = grown(faces, choice=choice, device=device) if settings.growth else ()
    return Bench(
        environment=environment(device),
        load=load,
        settings=settings,
        why=choice.why,
        networks=tuple(networks),
        growth=growth,
    )


def _network(
    spec: ArchitectureSpec, settings: Settings, *, choice: Choice, device: torch.device, faces: Path
) -> NetworkBench:
    training = choice.into(TrainingSpec(batch=settings.batch))
    job = Job(
        spec=spec,
        training=training,
        pixels=pixels_of(faces, max(settings.image_size, smallest_input(spec))),
        steps=1,
        device=device,
    )
    job = replace(job, steps=_steps(job, most=settings.steps))
    bills = _bills(job, settings)
    exact = f"{way(training)}, deterministic"
    deterministic = paired(bills[exact], bills[way(training)]) if exact in bills else ()
    return NetworkBench(
        name=spec.name,
        width=spec.width,
        image_size=job.size,
        steps=job.steps,
        chosen=way(training),
        pace=_pace(job, rounds=settings.rounds),
        latency=_latency(job),
        peak_bytes=peak(job),
        bills=bills,
        deterministic=deterministic,
        shared=share_cores(job) if settings.shared else None,
    )


def way(training: TrainingSpec, *, layout: str = "own layout") -> str:
    """How a step is computed, in words."""
    parts = (
        training.engine,
        layout,
        training.precision,
        *(("deterministic",) if training.deterministic else ()),
    )
    return ", ".join(parts)


def _steps(job: Job, *, most: int) -> int:
    """Steps of an epoch, from how long one takes; compiling would be no part of that."""
    eager = replace(job, training=replace(job.training, compile=False))
    *_, second = islice(memory_epochs(eager), 2)
    return min(most, max(LEAST_STEPS, math.floor(EPOCH / second)))


def _pace(job: Job, *, rounds: int) -> Pace:
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as place:
        write_files(job.pixels, Path(place), count=job.images)
        # The files come first: their workers are to start before the other loops' networks are there.
        loops = (files_epochs(job, Path(place)), harness_epochs(job), memory_epochs(job))
        files, harness, memory = _in_turn(loops, rounds=rounds, share=job.images)
    return Pace(harness=harness, files=files, memory=memory)


def _in_turn(loops: tuple[Iterator[float], ...], *, rounds: int, share: int) -> tuple[tuple[float, ...], ...]:
    """Seconds of each loop, round by round, by `share`; one round before is not counted.

    Each round begins one loop further on: whichever follows another finds the caches full of that one's data.
    """
    taken: list[list[float]] = [[] for _ in loops]
    for first in range(rounds + 1):
        for turn in range(len(loops)):
            which = (first + turn) % len(loops)
            taken[which].append(next(loops[which]) / share)
    return tuple(tuple(column[1:]) for column in taken)


def _bills(job: Job, settings: Settings) -> dict[str, tuple[float, ...]]:
    """Seconds of a step in every way that this device has, each in turn with the others."""
    auto = job.training
    plain = replace(auto, compile=False, fused=False)
    ways = [auto, plain, replace(plain, precision="float32")]
    if settings.compiled:
        ways.append(replace(plain, compile=True))
    if settings.deterministic and job.device.type != "cpu":
        ways.append(replace(auto, deterministic=True))
    job = replace(job, steps=max(1, job.steps // 2))
    loops = {way(each): memory_epochs(replace(job, training=each)) for each in ways}
    for name, layout in (("NCHW", torch.contiguous_format), ("channels last", torch.channels_last)):
        loops[way(plain, layout=name)] = memory_epochs(replace(job, training=plain), layout=layout)
    taken = _in_turn(tuple(loops.values()), rounds=settings.rounds, share=job.steps)
    return dict(zip(loops, taken, strict=True))


def _latency(job: Job) -> tuple[Latency, ...]:
    settle(job.training)
    network = job.network()
    step = stepping(network, job.training)
    found = []
    for batch in BATCHES:
        images = job.part(batch).images
        taken: list[float] = []
        start = time.perf_counter()
        while len(taken) < LEAST_ANSWERS or (
            len(taken) < ANSWERS and time.perf_counter() - start < ANSWERING
        ):
            taken.append(seconds(lambda: logits_of(network, images, step=step), device=job.device))  # noqa: B023
        # The first ones warm up.
        ranked = sorted(1000 * each for each in taken[2:])
        p50, p95, p99 = (ranked[math.ceil(p / 100 * len(ranked)) - 1] for p in PERCENTILES)
        found.append(Latency(batch=batch, answers=len(ranked), p50=p50, p95=p95, p99=p99))
    return tuple(found)
