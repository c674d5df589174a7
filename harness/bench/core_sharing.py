"""Measure a training step while a second process trains the same network on the same cores."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from statistics import median

from harness.bench.training_loops import Workload, time_memory_epochs
from harness.process_settings import keep_freed_memory

PROCESSES = 2
"""Number of processes that train in parallel."""

MIN_SECONDS = 8.0
"""Minimum training time of each process in seconds, without its first step."""


def measure_core_sharing(workload: Workload) -> tuple[float, float]:
    """Return the median seconds per step of one process alone and of two parallel processes.

    The processes are new, because the settings for waiting threads must be made before torch is loaded.
    """
    workload = replace(workload, steps=1, training=workload.training.without_compilation())
    return tuple(_measure_step_time(workload, processes) for processes in (1, PROCESSES))  # type: ignore[return-value]


def _measure_step_time(workload: Workload, processes: int) -> float:
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        step_times = [
            future.result()
            for future in [pool.submit(time_steps, workload, MIN_SECONDS) for _ in range(processes)]
        ]
    return median(step for process_steps in step_times for step in process_steps)


def time_steps(workload: Workload, min_seconds: float) -> list[float]:
    """Train for `min_seconds` after a first step, and return the seconds of each epoch of `workload`."""
    keep_freed_memory()
    epochs = time_memory_epochs(workload)
    next(epochs)
    times, deadline = [next(epochs)], time.monotonic() + min_seconds
    while time.monotonic() < deadline:
        times.append(next(epochs))
    return times
