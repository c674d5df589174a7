"""How many cells go at once, and what each may take of a GPU."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch

from harness.cost import count
from harness.running.workers import VISIBLE
from studies.spec import RunSpec

FILLS = 100e9
"""Multiply-adds of a training step from which a GPU has enough to do: a guess, of what one of 50 TFLOPS
computes while as many kernels are launched as a network has."""

MOST = 4
"""Cells on one GPU at most, however small: each has a process, with a gigabyte of CUDA's own."""

CONTEXT = 1.5 * 2**30
"""Bytes that a process takes on a GPU before it has a network."""

SMALLEST = 16 * 2**30
"""Bytes that a cluster's GPUs are taken to have."""

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


def _share(run: RunSpec, *, classes: int, memory: float) -> int:
    try:
        cost = count(run.architecture, classes=classes, image_size=run.dataset.image_size)
    except (RuntimeError, ValueError):
        return 1  # the cell itself will say why it cannot be built
    work = PASSES * run.training.batch * cost.multiply_adds
    written = 4 * run.training.batch * (cost.activations + cost.additions + cost.attention + cost.norm)
    needed = CONTEXT + 4 * COPIES * cost.parameters + KEPT * written
    return max(1, min(MOST, int(FILLS // max(work, 1)), int(0.8 * memory // needed)))
