"""How the benches time: with the device waited for, and compared round by round."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def wait(device: torch.device) -> None:
    """Return when the device has done all that was asked of it."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def seconds(work: Callable[[], object], *, device: torch.device | None = None) -> float:
    """How long `work` takes; what it asks of a device is waited for."""
    start = time.perf_counter()
    work()
    if device is not None:
        wait(device)
    return time.perf_counter() - start


def paired(over: Sequence[float], under: Sequence[float]) -> tuple[float, ...]:
    """`over` / `under` of each round, so that what slowed a whole round down is in neither's favour."""
    return tuple(above / below for above, below in zip(over, under, strict=True))


def spread(values: Sequence[float], show: Callable[[float], str]) -> str:
    """The median, and the least and the greatest where there are several."""
    middle = show(median(values))
    return middle if len(values) == 1 else f"{middle} ({show(min(values))} to {show(max(values))})"
