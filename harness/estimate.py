"""How long a study takes on an idle machine, from the work of its cells and short timings of its networks."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from architectures.spec import ArchitectureSpec
from datasets.spec import CORRUPTIONS, STRENGTHS, Split
from harness.probe import IDLE, Speed, idle_timer, measure_corruptions, measure_speed, share_of_cores
from harness.progress import clock
from harness.running.schedule import runs_alone
from harness.training.checks import SECONDS
from studies.spec import RunSpec

AROUND = 0.8
"""Seconds that a cell takes beside its network: looking it up, counting, auditing, writing it down."""

START = 4.0
"""Seconds in which the processes start that run several cells at once."""

FITTING = 1.0
"""Seconds in which an identity probe is fitted."""

MARGIN = 1.3
"""The factor by which the timings may be wrong, to either side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Bounds of the seconds that the cells of a study take on an idle machine.

    At `low` every training stops as early as it can, after `patience` epochs that are no better than the
    first one, and steps are faster than those timed, by a factor of `MARGIN`. At `high` no training stops
    early, and steps are slower by the same factor. `busy` says that other processes used the cores during
    the timings; the study takes longer for as long as they do.
    """

    low: float
    high: float
    busy: bool = False

    def __str__(self) -> str:
        """The range as a person would say it: "12 to 25 min"."""
        low, high = clock(self.low), clock(self.high)
        if low == high:
            return f"about {low}"
        number, _, unit = low.partition(" ")
        return f"{number if high.partition(' ')[2] == unit else low} to {high}"


def estimate_study(
    runs: Sequence[RunSpec], splits: Sequence[Split], *, classes: int, device: torch.device, slots: int
) -> Estimate | None:
    """Estimate how long `runs` of a study with these splits take, `slots` of them at once.

    Finished cells take no time: leave them out of `runs`. Each network is timed once, in about a second.

    Returns:
        None if there is nothing to run, or if a network cannot be timed.
    """
    if not runs:
        return None
    threads = torch.get_num_threads()
    threads = max(1, threads // slots) if device.type == "cpu" else threads
    speeds: dict[ArchitectureSpec, Speed] = {}
    corrupting, busy = 0.0, False
    for run in runs:
        if run.architecture in speeds or runs_alone(run):
            continue
        others = device.type == "cpu" and share_of_cores() < IDLE
        busy |= others
        try:
            with idle_timer(device, threads=threads, busy=others) as timer:
                speeds[run.architecture] = measure_speed(run, timer, classes=classes)
        except Exception:
            # The cell itself will say why it cannot be trained; no estimate is made without it.
            return None
    if any(run.control == "robustness" for run in runs):
        with idle_timer(device, threads=threads, busy=busy) as timer:
            corrupting = measure_corruptions(runs[0].dataset.image_size, timer)
    parts = {
        (split.protocol, split.seed, split.fold): (len(split.train), len(split.validation), len(split.test))
        for split in splits
    }
    bounds = [
        _bounds(
            run,
            parts[run.protocol, run.split_seed, run.fold],
            speed=speeds[run.architecture],
            corrupting=corrupting,
        )
        for run in runs
        if not runs_alone(run)
    ]
    around = (AROUND + SECONDS) * (len(runs) - len(bounds)) + (START if slots > 1 else 0)
    low, high = (around + _last_end([cell[end] for cell in bounds], slots=slots) for end in (0, 1))
    return Estimate(low=low / MARGIN, high=high * MARGIN, busy=busy)


def _bounds(
    run: RunSpec, parts: tuple[int, int, int], *, speed: Speed, corrupting: float
) -> tuple[float, float]:
    """Seconds of a cell on a split with parts of these sizes: with the fewest epochs, and with all of them.

    `corrupting` are the seconds in which an image is corrupted in every way.
    """
    train, validation, test = parts
    if run.control == "identity-probe":
        seconds = AROUND + FITTING + speed.answering * train
        return seconds, seconds
    if run.control == "robustness":
        seconds = AROUND + test * (corrupting + len(CORRUPTIONS) * len(STRENGTHS) * speed.answering)
        return seconds, seconds
    steps = math.ceil(train / run.training.batch)
    epoch = speed.training * train + speed.step * steps + speed.answering * validation
    around, epochs = AROUND + speed.answering * test, run.training.epochs
    return around + min(epochs, run.training.patience + 1) * epoch, around + epochs * epoch


def _last_end(seconds: Sequence[float], *, slots: int) -> float:
    """Return when the last of these cells ends, each of which starts in order as soon as a slot is free."""
    ends = [0.0] * slots
    for cell in seconds:
        heapq.heapreplace(ends, ends[0] + cell)
    return max(ends)
