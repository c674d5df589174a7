"""How long a training step takes while a second process trains the same network on the same cores."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from statistics import median

from harness.bench.loops import Job, memory_epochs
from harness.process import keep_freed_memory

TOGETHER = 2
"""Processes that train at the same time."""

SECONDS = 8.0
"""How long each process trains, beside its first step."""


def share_cores(job: Job) -> tuple[float, float]:
    """Median seconds of a step of one process alone, and of two at the same time.

    The processes are new ones: how their threads wait is set before they load torch.
    """
    job = replace(job, steps=1, training=replace(job.training, compile=False))
    return tuple(_trained(job, processes) for processes in (1, TOGETHER))  # type: ignore[return-value]


def _trained(job: Job, processes: int) -> float:
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        steps = [each.result() for each in [pool.submit(_steps, job) for _ in range(processes)]]
    return median(step for own in steps for step in own)


def _steps(job: Job) -> list[float]:
    keep_freed_memory()
    epochs = memory_epochs(job)
    next(epochs)
    taken, end = [next(epochs)], time.monotonic() + SECONDS
    while time.monotonic() < end:
        taken.append(next(epochs))
    return taken
