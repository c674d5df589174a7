"""Estimate the time of a study on an idle machine from its cells and short timings of its networks."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from architectures.spec import ArchitectureSpec
from datasets.corruptions import CORRUPTIONS, STRENGTHS
from datasets.spec import Split
from harness.planning.step_timing import (
    IDLE_CORE_SHARE,
    Speed,
    idle_timer,
    measure_core_share,
    measure_corruptions,
    measure_speed,
)
from harness.progress import format_duration
from harness.runs.claim_checks import MAX_SECONDS
from studies.published_practice import can_record
from studies.spec import RunSpec

CELL_OVERHEAD = 0.8
"""Seconds per cell outside the network: status lookup, cost counting, split audit, recording."""

POOL_STARTUP = 4.0
"""Seconds for starting the worker processes of parallel cells."""

PROBE_FIT = 1.0
"""Seconds for fitting an identity probe."""

ERROR_FACTOR = 1.3
"""Assumed error of the timings, as a factor in both directions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeEstimate:
    """Bounds of the seconds that the cells of a study take on an idle machine.

    `low` assumes that every training stops as early as possible, after `patience` epochs without improvement
    on the first, and that steps are faster than timed by `ERROR_FACTOR`. `high` assumes that every training
    takes all its epochs, and that steps are slower than timed by `ERROR_FACTOR`. `busy` is True if other
    processes used the cores during the timings; the study takes longer while they do.
    """

    low: float
    high: float
    busy: bool = False

    def __str__(self) -> str:
        """Return the range as text, for example "12 to 25 min"."""
        low, high = format_duration(self.low), format_duration(self.high)
        if low == high:
            return f"about {low}"
        number, _, unit = low.partition(" ")
        return f"{number if high.partition(' ')[2] == unit else low} to {high}"


def estimate_study(
    runs: Sequence[RunSpec],
    splits: Sequence[Split],
    *,
    num_classes: int,
    device: torch.device,
    slots: int,
    epoch_record: bool = False,
) -> TimeEstimate | None:
    """Estimate the time of `runs` with these splits, with `slots` cells in parallel.

    `runs` are the cells to train or evaluate. Each network is timed once, which takes about a second. With
    `epoch_record` the runs of arms predict the test set after every epoch.

    Returns:
        None if there is nothing to run, or if a network cannot be timed.
    """
    if not runs:
        return None
    threads = torch.get_num_threads()
    threads = max(1, threads // slots) if device.type == "cpu" else threads
    speeds: dict[ArchitectureSpec, Speed] = {}
    corruption_seconds, busy = 0.0, False
    for spec in runs:
        if spec.architecture in speeds or spec.is_exclusive:
            continue
        cores_busy = device.type == "cpu" and measure_core_share() < IDLE_CORE_SHARE
        busy |= cores_busy
        try:
            with idle_timer(device, threads=threads, busy=cores_busy) as timer:
                speeds[spec.architecture] = measure_speed(spec, timer, num_classes=num_classes)
        except Exception:
            # The error appears again when the cell runs; an estimate without this cell would be wrong.
            return None
    if any(spec.variant == "robustness" for spec in runs):
        with idle_timer(device, threads=threads, busy=busy) as timer:
            corruption_seconds = measure_corruptions(runs[0].dataset.image_size, timer)
    split_sizes = {
        (split.protocol, split.seed, split.fold): (len(split.train), len(split.validation), len(split.test))
        for split in splits
    }
    bounds = [
        _estimate_cell(
            spec,
            split_sizes[spec.protocol, spec.split_seed, spec.fold],
            speed=speeds[spec.architecture],
            corruption_seconds=corruption_seconds,
            epoch_record=epoch_record and can_record(spec),
        )
        for spec in runs
        if not spec.is_exclusive
    ]
    overhead = (CELL_OVERHEAD + MAX_SECONDS) * (len(runs) - len(bounds)) + (POOL_STARTUP if slots > 1 else 0)
    low, high = (
        overhead + _compute_makespan([cell[index] for cell in bounds], slots=slots) for index in (0, 1)
    )
    return TimeEstimate(low=low / ERROR_FACTOR, high=high * ERROR_FACTOR, busy=busy)


def _estimate_cell(
    spec: RunSpec,
    split_sizes: tuple[int, int, int],
    *,
    speed: Speed,
    corruption_seconds: float,
    epoch_record: bool,
) -> tuple[float, float]:
    """Return the seconds of a cell with the fewest possible epochs, and with all epochs.

    `split_sizes` are the numbers of training, validation and test images. `corruption_seconds` is the time of
    applying every corruption to one image.
    """
    train, validation, test = split_sizes
    if spec.variant == "identity-probe":
        seconds = CELL_OVERHEAD + PROBE_FIT + speed.evaluation * train
        return seconds, seconds
    if spec.variant == "robustness":
        seconds = CELL_OVERHEAD + test * (
            corruption_seconds + len(CORRUPTIONS) * len(STRENGTHS) * speed.evaluation
        )
        return seconds, seconds
    steps = math.ceil(train / spec.training.batch_size)
    evaluated = validation + (test if epoch_record else 0)
    epoch_seconds = speed.training * train + speed.step_overhead * steps + speed.evaluation * evaluated
    overhead, epochs = CELL_OVERHEAD + speed.evaluation * test, spec.training.epochs
    return overhead + min(
        epochs, spec.training.patience + 1
    ) * epoch_seconds, overhead + epochs * epoch_seconds


def _compute_makespan(seconds: Sequence[float], *, slots: int) -> float:
    """Return the end of the last cell if cells start in order, each as soon as one of `slots` is free."""
    ends = [0.0] * slots
    for cell_seconds in seconds:
        heapq.heapreplace(ends, ends[0] + cell_seconds)
    return max(ends)
