"""Timing functions of the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def measure_seconds(work: Callable[[], object], *, device: torch.device | None = None) -> float:
    """Return the seconds that `work` takes, including its queued work on `device`."""
    start = time.perf_counter()
    work()
    if device is not None:
        from harness.device import synchronize

        synchronize(device)
    return time.perf_counter() - start


def compute_ratios(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float, ...]:
    """Return numerator / denominator for each round, so that a slow round affects both sides alike."""
    return tuple(
        numerator / denominator for numerator, denominator in zip(numerators, denominators, strict=True)
    )


def format_median_range(values: Sequence[float], format_value: Callable[[float], str]) -> str:
    """Format the median, with minimum and maximum if there are several values."""
    median_text = format_value(median(values))
    return (
        median_text
        if len(values) == 1
        else f"{median_text} ({format_value(min(values))} to {format_value(max(values))})"
    )
