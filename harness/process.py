"""Settings of a process that trains on a CPU.

The command line and its workers make them at their start. `harness.api` leaves its caller's process alone.

GNU's OpenMP library lets a thread that waits spin on its core. Of two trainings on the same cores each then
takes 20 to 40 times as long for a step. With GOMP_SPINCOUNT=2000 a thread sleeps after some microseconds: one
training keeps its pace, and two at once take about twice as long each. The library reads the variable when
torch is loaded. LLVM's and Intel's libraries (macOS, Windows) ignore it: their threads sleep after
KMP_BLOCKTIME, which is 200 ms unless it is set.
"""

from __future__ import annotations

import ctypes
import os

SPIN_SETTINGS = {"GOMP_SPINCOUNT": "2000"}
"""What a process that loads torch gets in its environment."""

USER_VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""Variables by which a user decides how threads wait."""

M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
"""mallopt's parameters, from malloc.h."""

MAX_MMAP_THRESHOLD, TRIM_NEVER = 2**31 - 4097, -1


def get_spin_settings() -> dict[str, str]:
    """The variables to set before torch is loaded; none if the user has set one of `CHOSEN`."""
    return {} if any(name in os.environ for name in USER_VARIABLES) else dict(SPIN_SETTINGS)


def configure_process() -> None:
    """Set how the threads of this process wait, before it loads torch, and have it keep freed memory."""
    os.environ.update(get_spin_settings())
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Have glibc keep freed memory for the next allocation; under another C library nothing changes.

    By itself glibc returns large blocks to the system. Each activation is then a new block, whose pages the
    system fills with zeros: a third of a training step of the proposed network at 64 px.
    """
    if "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {}):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD)
        libc.mallopt(M_TRIM_THRESHOLD, TRIM_NEVER)
