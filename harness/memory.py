"""Python's cyclic garbage collector, held back where it would only cost."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def disable_gc() -> Iterator[None]:
    """No cyclic collection within, where values are made by the million and stay, or drawn from and dropped.

    The collector walks all that is alive, torch's and MLflow's modules too: up to half of the time that
    reading a study takes, a fifth of that of its report or of drawing a run's pictures.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
