"""Sample the use of the machine while a cell runs.

MLflow's own monitor gives up when the server does not answer, prints its warnings to the terminal, and logs
nothing of a run shorter than its interval. Here only its readings are used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol

SAMPLE_SECONDS = 10.0
"""Seconds between two samples, as in MLflow."""

METRIC_PREFIX = "system/"
"""Prefix of the metrics that MLflow shows on the page of system metrics."""


class SystemMonitor(Protocol):
    """MLflow's `SystemMetricsMonitor`."""

    monitors: list[Any]

    def collect_metrics(self) -> Mapping[str, list[float]]:
        """Read the sensors once."""

    def aggregate_metrics(self) -> Mapping[str, float]:
        """Return the mean of the readings by name."""


def read_sample(monitor: SystemMonitor) -> dict[str, float]:
    """Read the sensors once; return their values by the names of MLflow's metrics."""
    monitor.collect_metrics()
    sample = {METRIC_PREFIX + name: float(value) for name, value in monitor.aggregate_metrics().items()}
    for part in monitor.monitors:
        part.clear_metrics()
    return sample


@contextmanager
def repeat_in_background(call: Callable[[int], None], *, interval: float) -> Iterator[None]:
    """Call `call` with 0, 1, 2 ... every `interval` seconds during the context, and once at its end.

    The calls run on a background thread. An error ends them: it does not concern the context.
    """
    end = threading.Event()

    def run() -> None:
        with suppress(Exception):
            step = 0
            while not end.wait(interval):
                call(step)
                step += 1
            call(step)

    thread = threading.Thread(target=run, name="system-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
