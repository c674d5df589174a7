"""Measure the peak memory of training a network: weights, Adam's moments, activations and gradients."""

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

from harness.bench.training_loops import Workload, time_memory_epochs

STEPS = 2
"""Number of measured steps. In the second step the optimizer's moments exist from the start."""


def measure_peak_memory(workload: Workload) -> int | None:
    """Return the peak bytes of a training step, or None if the system does not report them.

    On a GPU these are the bytes of tensors. On a CPU they are the growth of a new process, because a process
    that has trained before would reuse its free memory without growing.
    """
    _release_memory()
    # Compiling takes more memory than what it compiles.
    workload = replace(workload, steps=STEPS, training=workload.training.without_compilation())
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
    """Return the memory of earlier networks to the system; see `harness.process_settings`."""
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
    """Return the peak resident bytes of this process so far, or None if the system does not report them."""
    try:
        # On Linux, getrusage would include the memory of the parent process before exec.
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
