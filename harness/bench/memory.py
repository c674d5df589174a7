"""The most memory that training a network holds at once: weights, moments, activations, gradients."""

from __future__ import annotations

import ctypes
import gc
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import torch

from harness.bench.loops import Job, memory_epochs

STEPS = 2
"""The second step has the optimizer's moments beside all that the first had."""


def peak(job: Job) -> int | None:
    """Bytes at the peak of a training step; None where the system does not tell them.

    On a GPU the tensors' own. On a CPU what a fresh process grows by: one that has trained before has memory
    left over, which a step would be given unseen.
    """
    _give_back()
    # Compiling takes more memory than what it compiles.
    job = replace(job, steps=STEPS, training=replace(job.training, compile=False))
    if job.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(job.device)
        before = torch.cuda.memory_allocated(job.device)
        _train(job)
        return torch.cuda.max_memory_allocated(job.device) - before
    if job.device.type != "cpu":
        return None
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(_growth, job).result()


def _give_back() -> None:
    """Hand what networks before left to the system: glibc keeps it (`harness.process`)."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _growth(job: Job) -> int | None:
    before = _most_resident()
    _train(job)
    after = _most_resident()
    return None if before is None or after is None else after - before


def _train(job: Job) -> None:
    for _ in islice(memory_epochs(job), 1):
        pass


def _most_resident() -> int | None:
    """The most bytes of memory that this process has held so far; None where there is no telling."""
    try:
        # Not getrusage: on Linux what it tells begins with the memory of the process that started this one.
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
