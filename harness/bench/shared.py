"""How long a training step takes while a second process trains the same network on the same cores."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from statistics import median

from harness.bench.loops import Workload, time_memory_epochs
from harness.process import keep_freed_memory

PROCESSES = 2
"""Processes that train at the same time."""

MIN_SECONDS = 8.0
"""How long each process trains, beside its first step."""


def measure_core_sharing(workload: Workload) -> tuple[float, float]:
    """Median seconds of a step of one process alone, and of two at the same time.

    The processes are new ones: how their threads wait is set before they load torch.
    """
    workload = replace(workload, steps=1, training=replace(workload.training, compile=False))
    return tuple(_measure_step_time(workload, processes) for processes in (1, PROCESSES))  # type: ignore[return-value]


def _measure_step_time(workload: Workload, processes: int) -> float:
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        step_times = [
            future.result() for future in [pool.submit(_time_steps, workload) for _ in range(processes)]
        ]
    return median(step for process_steps in step_times for step in process_steps)


def _time_steps(workload: Workload) -> list[float]:
    keep_freed_memory()
    epochs = time_memory_epochs(workload)
    next(epochs)
    times, deadline = [next(epochs)], time.monotonic() + MIN_SECONDS
    while time.monotonic() < deadline:
        times.append(next(epochs))
    return times
