"""Resources: how many cells run in parallel."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import torch

from harness.flop_count import count_cost
from studies.spec import RunSpec

GPU_ENV_VAR = "CUDA_VISIBLE_DEVICES"

MAX_CELLS_PER_CPU = 8
"""Maximum number of parallel cells on a CPU: they take turns writing to a tracking store that is a file."""

CUDA_CONTEXT_BYTES = 1.5 * 2**30
"""GPU memory of a process without a network, in bytes."""

PROCESS_BYTES = 2**30
"""Host memory of a process without a network, in bytes."""

PARALLEL_BREAK_EVEN_MACS = 2e12
"""Multiply-adds of a study from which parallel processes repay the seconds that they take to start.

They correspond to half a minute of training on two cores.
"""

MIN_CORE_UTILIZATION = 0.9
"""Minimum fraction of the cores' time that parallel cells must use, including the last round of cells."""

PASSES_PER_STEP = 3
"""Cost of a training step in forward passes: the backward pass counts as two."""

COPIES_PER_PARAMETER = 4
"""Copies of each parameter in memory: the parameter, its gradient and Adam's two moments."""

ACTIVATION_OVERHEAD = 3
"""Bytes that a training step allocates, workspace included, per byte of its operators' outputs."""


def list_gpus() -> tuple[str, ...]:
    """Return the GPUs that this process may use, in the notation of CUDA_VISIBLE_DEVICES."""
    gpu_ids = tuple(filter(None, os.environ.get(GPU_ENV_VAR, "").split(",")))
    return gpu_ids or tuple(map(str, range(torch.cuda.device_count())))


def limit_cells_by_memory(runs: Sequence[RunSpec], *, num_classes: int, memory: float) -> int:
    """Return how many parallel cells, at least 1, fit into a GPU of `memory` bytes; the largest decides.

    A cell that runs out of memory would be trained in micro-batches, which change the batch norm.
    """
    run_by_architecture = {run.architecture: run for run in runs if run.is_trained}
    step_bytes = [_estimate_step(run, num_classes=num_classes)[1] for run in run_by_architecture.values()]
    return max(1, int(0.8 * memory // (CUDA_CONTEXT_BYTES + max(step_bytes, default=0))))


def cells_per_cpu(
    runs: Sequence[RunSpec], *, num_classes: int, image_count: int, cores: int, memory: float
) -> int:
    """Return how many of the cells `runs`, at least 1, share `cores` cores and `memory` bytes.

    Two cells with one thread each are faster than one cell after the other with two threads: threads of a
    small network wait for each other at every operator, and the work around training has one thread anyway.
    `image_count` is the number of images of the data set.
    """
    training_runs = [run for run in runs if run.is_trained]
    total_macs = image_count * sum(
        _estimate_training_macs(run, num_classes=num_classes) for run in training_runs
    )
    if total_macs < PARALLEL_BREAK_EVEN_MACS or not math.isfinite(memory):
        return 1
    step_bytes = {run.architecture: _estimate_step(run, num_classes=num_classes)[1] for run in training_runs}
    dataset = training_runs[0].dataset
    data_bytes = image_count * 3 * dataset.image_size**2 * (2 if dataset.flow.is_float else 1)
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
    """Sort cells by descending multiply-adds, so that short cells fill the idle cores at the end.

    Cells of equal cost keep their order; evaluation-only cells come last.
    """
    return sorted(runs, key=lambda run: -_estimate_training_macs(run, num_classes=num_classes))


def _estimate_training_macs(run: RunSpec, *, num_classes: int) -> float:
    """Return the multiply-adds of training per image over all epochs; inf if the network cannot be built."""
    if not run.is_trained:
        return 0.0
    return _estimate_step(run, num_classes=num_classes)[0] / run.training.batch_size * run.training.epochs


def _is_balanced(cell_count: int, slots: int, cores: int) -> bool:
    """Return True if `slots` parallel cells with equal whole numbers of cores leave few cores idle."""
    rounds = -(-cell_count // slots)
    return cell_count / rounds * (cores // slots) >= MIN_CORE_UTILIZATION * cores


def read_machine_memory(*, system: Path = Path("/")) -> float:
    """Return the bytes of memory of this machine or its control group, the lower; inf if unknown.

    `system` is the folder that holds proc and sys.
    """
    limits = [math.inf]
    with suppress(AttributeError, ValueError):  # Windows
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in _iter_limit_files(system):
        with suppress(OSError, ValueError):  # the file is missing or contains "max"
            limits.append(int(file.read_text()))
    return min(limits)


def _iter_limit_files(system: Path) -> Iterator[Path]:
    """Yield the memory limit files of this process's control group and its ancestors (cgroup v1 and v2)."""
    try:
        cgroups = [line.split(":", 2) for line in (system / "proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return
    for _, controllers, path in cgroups:
        controller, name = (
            ("memory", "memory.limit_in_bytes") if "memory" in controllers else ("", "memory.max")
        )
        folder = system / "sys/fs/cgroup" / controller / path.lstrip("/")
        yield from (cgroup / name for cgroup in (folder, *folder.parents))


def _estimate_step(run: RunSpec, *, num_classes: int) -> tuple[float, float]:
    """Return the multiply-adds and the bytes of a training step; inf if the network cannot be built."""
    try:
        cost = count_cost(run.architecture, num_classes=num_classes, image_size=run.dataset.image_size)
    except Exception:
        return math.inf, math.inf  # the cell reports the error
    activation_bytes = (
        4 * run.training.batch_size * (cost.activations + cost.additions + cost.attention + cost.norm)
    )
    return (
        PASSES_PER_STEP * run.training.batch_size * cost.multiply_adds,
        4 * COPIES_PER_PARAMETER * cost.parameters + ACTIVATION_OVERHEAD * activation_bytes,
    )
