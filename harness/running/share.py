"""How many cells go at once, and what each may take of a GPU."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import torch

from harness.cost import count
from harness.running.workers import VISIBLE
from studies.spec import RunSpec

FILLS = 100e9
"""Multiply-adds of a training step from which a GPU has enough to do: a guess, of what one of 50 TFLOPS
computes while as many kernels are launched as a network has."""

MOST_ON_CORES = 8
"""Cells at once on a CPU at most: they take turns at a tracking store that is a file."""

MOST = 4
"""Cells on one GPU at most, however small: each has a process, with a gigabyte of CUDA's own."""

CONTEXT = 1.5 * 2**30
"""Bytes that a process takes on a GPU before it has a network."""

SMALLEST = 16 * 2**30
"""Bytes that a cluster's GPUs are taken to have."""

PROCESS = 2**30
"""Bytes that a process takes of the machine's memory before it has a network."""

WORTH = 2e12
"""Multiply-adds of training from which a study wins back the seconds in which its processes start: those of
half a minute on two cores."""

BALANCED = 0.9
"""Of the cores' time, what cells that go at once must leave used while the last of them end."""

PASSES = 3
"""A training step's work, in passes forward: gradients take two more."""

COPIES = 4
"""Parameters, their gradients and Adam's two moments."""

KEPT = 3
"""Bytes that a step keeps for each byte that its activations, sums and norms write, with what it works in."""


def gpus() -> tuple[str, ...]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = tuple(filter(None, os.environ.get(VISIBLE, "").split(",")))
    return named or tuple(map(str, range(torch.cuda.device_count())))


def together(runs: Sequence[RunSpec], *, classes: int, memory: float) -> int:
    """How many of these cells, at least 1, share a GPU of so many bytes: the largest decides."""
    trained = {run.architecture: run for run in runs if run.trains}
    return min((_share(run, classes=classes, memory=memory) for run in trained.values()), default=1)


def share(run: RunSpec, *, classes: int) -> float:
    """What a cell is to have of a GPU whose memory is not known: all of it, or a part."""
    return 1 / _share(run, classes=classes, memory=SMALLEST)


def on_cores(runs: Sequence[RunSpec], *, classes: int, images: int, cores: int, memory: float) -> int:
    """How many of these cells, at least 1, share so many cores and bytes of memory.

    Two threads on one small network take longer than one on each of two: they wait for each other at every
    operator, and what lies around training has one thread anyway. `images` are those of the data.
    """
    trained = [run for run in runs if run.trains]
    work = images * sum(_work(run, classes=classes) for run in trained)
    if work < WORTH or not math.isfinite(memory):
        return 1
    needs = {run.architecture: _needs(run, classes=classes)[1] for run in trained}
    data = images * 3 * trained[0].dataset.image_size ** 2
    steps = filter(math.isfinite, needs.values())
    room = int(0.5 * memory // (PROCESS + data + max(steps, default=0)))
    cells = len(trained)
    return max(
        (
            at_once
            for at_once in range(1, min(MOST_ON_CORES, cores, cells, room) + 1)
            if _used(cells, at_once, cores)
        ),
        default=1,
    )


def longest_first(runs: Sequence[RunSpec], *, classes: int) -> list[RunSpec]:
    """The cells with the most multiply-adds first, so that short ones fill the cores that get free last.

    Cells of equal work keep their order; those that train nothing come last.
    """
    return sorted(runs, key=lambda run: -_work(run, classes=classes))


def _work(run: RunSpec, *, classes: int) -> float:
    """Multiply-adds of training on one image in all epochs; infinite if the network cannot be built."""
    if not run.trains:
        return 0.0
    return _needs(run, classes=classes)[0] / run.training.batch * run.training.epochs


def _used(cells: int, at_once: int, cores: int) -> bool:
    """Whether so many cells at once, each with as many whole cores, leave few of them idle to the end."""
    rounds = -(-cells // at_once)
    return cells / rounds * (cores // at_once) >= BALANCED * cores


def memory_of_this_machine() -> float:
    """Bytes of memory that this machine has, or its control group allows; infinitely many if nobody tells."""
    limits = [math.inf]
    with suppress(AttributeError, ValueError):  # Windows
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in _limits():
        with suppress(OSError, ValueError):  # none, or "max"
            limits.append(int(file.read_text()))
    return min(limits)


def _limits() -> Iterator[Path]:
    """Where the limits of this process's control group, and of those above it, are told by either version."""
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return
    for _, kinds, path in groups:
        kind, name = ("memory", "memory.limit_in_bytes") if "memory" in kinds else ("", "memory.max")
        above = Path("/sys/fs/cgroup", kind, path.lstrip("/"))
        yield from (group / name for group in (above, *above.parents))


def _share(run: RunSpec, *, classes: int, memory: float) -> int:
    work, needed = _needs(run, classes=classes)
    return max(1, min(MOST, int(FILLS // max(work, 1)), int(0.8 * memory // (CONTEXT + needed))))


def _needs(run: RunSpec, *, classes: int) -> tuple[float, float]:
    """Multiply-adds of a training step, and bytes that it takes; infinite if the network cannot be built."""
    try:
        cost = count(run.architecture, classes=classes, image_size=run.dataset.image_size)
    except Exception:
        return math.inf, math.inf  # the cell itself will say why
    written = 4 * run.training.batch * (cost.activations + cost.additions + cost.attention + cost.norm)
    return PASSES * run.training.batch * cost.multiply_adds, 4 * COPIES * cost.parameters + KEPT * written
