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

from harness.bench.loops import Workload, time_memory_epochs

STEPS = 2
"""The second step has the optimizer's moments beside all that the first had."""


def measure_peak_memory(workload: Workload) -> int | None:
    """Bytes at the peak of a training step; None where the system does not tell them.

    On a GPU the tensors' own. On a CPU what a fresh process grows by: one that has trained before has memory
    left over, which a step would be given unseen.
    """
    _release_memory()
    # Compiling takes more memory than what it compiles.
    workload = replace(workload, steps=STEPS, training=replace(workload.training, compile=False))
    if workload.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(workload.device)
        start_bytes = torch.cuda.memory_allocated(workload.device)
        _train_steps(workload)
        return torch.cuda.max_memory_allocated(workload.device) - start_bytes
    if workload.device.type != "cpu":
        return None
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure_growth, workload).result()


def _release_memory() -> None:
    """Hand what networks before left to the system: glibc keeps it (`harness.process`)."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _measure_growth(workload: Workload) -> int | None:
    start_bytes = _read_peak_resident()
    _train_steps(workload)
    end_bytes = _read_peak_resident()
    return None if start_bytes is None or end_bytes is None else end_bytes - start_bytes


def _train_steps(workload: Workload) -> None:
    for _ in islice(time_memory_epochs(workload), 1):
        pass


def _read_peak_resident() -> int | None:
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
