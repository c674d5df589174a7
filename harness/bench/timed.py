"""How the benches time: with the device waited for, and compared round by round."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def synchronize(device: torch.device) -> None:
    """Return when the device has done all that was asked of it."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def measure_seconds(work: Callable[[], object], *, device: torch.device | None = None) -> float:
    """How long `work` takes; what it asks of a device is waited for."""
    start = time.perf_counter()
    work()
    if device is not None:
        synchronize(device)
    return time.perf_counter() - start


def compute_ratios(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float, ...]:
    """`over` / `under` of each round, so that what slowed a whole round down is in neither's favour."""
    return tuple(
        numerator / denominator for numerator, denominator in zip(numerators, denominators, strict=True)
    )


def format_median_range(values: Sequence[float], format_value: Callable[[float], str]) -> str:
    """The median, and the least and the greatest where there are several."""
    median_text = format_value(median(values))
    return (
        median_text
        if len(values) == 1
        else f"{median_text} ({format_value(min(values))} to {format_value(max(values))})"
    )
