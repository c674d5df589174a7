"""How many cells go at once, and what each may take of a GPU."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import torch

from harness.cost import count_cost
from harness.running.workers import GPU_ENV_VAR
from studies.spec import RunSpec

GPU_SATURATION_MACS = 100e9
"""Multiply-adds of a training step from which a GPU has enough to do: a guess, of what one of 50 TFLOPS
computes while as many kernels are launched as a network has."""

MAX_CELLS_PER_CPU = 8
"""Cells at once on a CPU at most: they take turns at a tracking store that is a file."""

MAX_CELLS_PER_GPU = 4
"""Cells on one GPU at most, however small: each has a process, with a gigabyte of CUDA's own."""

CUDA_CONTEXT_BYTES = 1.5 * 2**30
"""Bytes that a process takes on a GPU before it has a network."""

DEFAULT_GPU_BYTES = 16 * 2**30
"""Bytes that a cluster's GPUs are taken to have."""

PROCESS_BYTES = 2**30
"""Bytes that a process takes of the machine's memory before it has a network."""

PARALLEL_BREAK_EVEN_MACS = 2e12
"""Multiply-adds of training from which a study wins back the seconds in which its processes start: those of
half a minute on two cores."""

MIN_CORE_UTILIZATION = 0.9
"""Of the cores' time, what cells that go at once must leave used while the last of them end."""

PASSES_PER_STEP = 3
"""A training step's work, in passes forward: gradients take two more."""

COPIES_PER_PARAMETER = 4
"""Parameters, their gradients and Adam's two moments."""

ACTIVATION_OVERHEAD = 3
"""Bytes that a step keeps for each byte that its activations, sums and norms write, with what it works in."""


def list_gpus() -> tuple[str, ...]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    gpu_ids = tuple(filter(None, os.environ.get(GPU_ENV_VAR, "").split(",")))
    return gpu_ids or tuple(map(str, range(torch.cuda.device_count())))


def cells_per_gpu(runs: Sequence[RunSpec], *, num_classes: int, memory: float) -> int:
    """How many of these cells, at least 1, share a GPU of so many bytes: the largest decides."""
    run_by_architecture = {run.architecture: run for run in runs if run.is_trained}
    return min(
        (_cells_per_gpu(run, num_classes=num_classes, memory=memory) for run in run_by_architecture.values()),
        default=1,
    )


def gpu_fraction(run: RunSpec, *, num_classes: int) -> float:
    """What a cell is to have of a GPU whose memory is not known: all of it, or a part."""
    return 1 / _cells_per_gpu(run, num_classes=num_classes, memory=DEFAULT_GPU_BYTES)


def cells_per_cpu(
    runs: Sequence[RunSpec], *, num_classes: int, image_count: int, cores: int, memory: float
) -> int:
    """How many of these cells, at least 1, share so many cores and bytes of memory.

    Two threads on one small network take longer than one on each of two: they wait for each other at every
    operator, and what lies around training has one thread anyway. `images` are those of the data.
    """
    training_runs = [run for run in runs if run.is_trained]
    total_macs = image_count * sum(
        _estimate_training_macs(run, num_classes=num_classes) for run in training_runs
    )
    if total_macs < PARALLEL_BREAK_EVEN_MACS or not math.isfinite(memory):
        return 1
    step_bytes = {run.architecture: _estimate_step(run, num_classes=num_classes)[1] for run in training_runs}
    data_bytes = image_count * 3 * training_runs[0].dataset.image_size ** 2
    finite_step_bytes = filter(math.isfinite, step_bytes.values())
    max_cells = int(0.5 * memory // (PROCESS_BYTES + data_bytes + max(finite_step_bytes, default=0)))
    cell_count = len(training_runs)
    return max(
        (
            slots
            for slots in range(1, min(MAX_CELLS_PER_CPU, cores, cell_count, max_cells) + 1)
            if _is_balanced(cell_count, slots, cores)
        ),
        default=1,
    )


def sort_longest_first(runs: Sequence[RunSpec], *, num_classes: int) -> list[RunSpec]:
    """The cells with the most multiply-adds first, so that short ones fill the cores that get free last.

    Cells of equal work keep their order; those that train nothing come last.
    """
    return sorted(runs, key=lambda run: -_estimate_training_macs(run, num_classes=num_classes))


def _estimate_training_macs(run: RunSpec, *, num_classes: int) -> float:
    """Multiply-adds of training on one image in all epochs; infinite if the network cannot be built."""
    if not run.is_trained:
        return 0.0
    return _estimate_step(run, num_classes=num_classes)[0] / run.training.batch_size * run.training.epochs


def _is_balanced(cell_count: int, slots: int, cores: int) -> bool:
    """Whether so many cells at once, each with as many whole cores, leave few of them idle to the end."""
    rounds = -(-cell_count // slots)
    return cell_count / rounds * (cores // slots) >= MIN_CORE_UTILIZATION * cores


def read_machine_memory() -> float:
    """Bytes of memory that this machine has, or its control group allows; infinitely many if nobody tells."""
    limits = [math.inf]
    with suppress(AttributeError, ValueError):  # Windows
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in _iter_limit_files():
        with suppress(OSError, ValueError):  # none, or "max"
            limits.append(int(file.read_text()))
    return min(limits)


def _iter_limit_files() -> Iterator[Path]:
    """Where the limits of this process's control group, and of those above it, are told by either version."""
    try:
        cgroups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return
    for _, controllers, path in cgroups:
        controller, name = (
            ("memory", "memory.limit_in_bytes") if "memory" in controllers else ("", "memory.max")
        )
        folder = Path("/sys/fs/cgroup", controller, path.lstrip("/"))
        yield from (cgroup / name for cgroup in (folder, *folder.parents))


def _cells_per_gpu(run: RunSpec, *, num_classes: int, memory: float) -> int:
    step_macs, step_bytes = _estimate_step(run, num_classes=num_classes)
    return max(
        1,
        min(
            MAX_CELLS_PER_GPU,
            int(GPU_SATURATION_MACS // max(step_macs, 1)),
            int(0.8 * memory // (CUDA_CONTEXT_BYTES + step_bytes)),
        ),
    )


def _estimate_step(run: RunSpec, *, num_classes: int) -> tuple[float, float]:
    """Multiply-adds of a training step, and bytes that it takes; infinite if the network cannot be built."""
    try:
        cost = count_cost(run.architecture, num_classes=num_classes, image_size=run.dataset.image_size)
    except Exception:
        return math.inf, math.inf  # the cell itself will say why
    activation_bytes = (
        4 * run.training.batch_size * (cost.activations + cost.additions + cost.attention + cost.norm)
    )
    return (
        PASSES_PER_STEP * run.training.batch_size * cost.multiply_adds,
        4 * COPIES_PER_PARAMETER * cost.parameters + ACTIVATION_OVERHEAD * activation_bytes,
    )
