"""Settings of a process: how its threads wait, freed memory, and garbage collection.

The command line and its workers apply the first two at start. `harness.api` does not change its caller's
process.

In GNU's OpenMP library a waiting thread spins on its core. If two processes train on the same cores, a step
then takes 20 to 40 times as long in each. With GOMP_SPINCOUNT=2000 a waiting thread sleeps after some
microseconds: a single training keeps its speed, and each of two parallel trainings takes about twice as long.
The library reads the variable when torch is loaded. LLVM's and Intel's libraries (macOS, Windows) ignore the
variable; their threads sleep after KMP_BLOCKTIME, 200 ms by default.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SPIN_SETTINGS = {"GOMP_SPINCOUNT": "2000"}
"""Environment variables of a process that loads torch."""

USER_VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""Environment variables with which a user can set how threads wait."""

M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
"""mallopt's parameters, from malloc.h."""

MAX_MMAP_THRESHOLD, TRIM_NEVER = 2**31 - 4097, -1


def get_spin_settings() -> dict[str, str]:
    """Return the variables to set before torch is loaded; none if the user set one of `USER_VARIABLES`."""
    return {} if any(name in os.environ for name in USER_VARIABLES) else dict(SPIN_SETTINGS)


def configure_process() -> None:
    """Set how threads wait and keep freed memory; call this before torch is loaded."""
    os.environ.update(get_spin_settings())
    keep_freed_memory()


@contextmanager
def set_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables within the block, and restore their former values after it."""
    previous = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in previous.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for later allocations. Other C libraries are not affected.

    By default glibc returns large blocks to the system. Each activation is then a new block, and filling its
    pages with zeros takes a third of a training step of the proposed network at 64 px.
    """
    if "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {}):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD)
        libc.mallopt(M_TRIM_THRESHOLD, TRIM_NEVER)


@contextmanager
def disable_gc() -> Iterator[None]:
    """Disable cyclic garbage collection within the block.

    Each collection visits all live objects, including the modules of torch and MLflow. In blocks that create
    millions of objects this takes up to half of the time of reading a study, and a fifth of the time of
    writing its report or drawing a run's figures.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
