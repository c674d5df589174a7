"""Checkpoints of a run, written in a background thread; training resumes from them bit for bit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from harness.training.snapshot import (
    READ_ERRORS,
    copy_state,
    count_bytes,
    count_epochs,
    read_snapshot,
    restore_state,
    write_snapshot,
)
from harness.training.train import TrainingState

MAX_TIME_FRACTION = 0.02
"""Maximum cost of all checkpoints, as a fraction of the training time so far."""

BYTES_PER_SECOND = 3e8
"""Assumed speed of copying and writing the first checkpoint: 1.6 GB took 5.6 s on two cores."""

CLOSE_TIMEOUT = 5.0
"""Seconds that `Checkpoint.close` waits for an unfinished write before it cancels the write."""


class Checkpoint:
    """The latest checkpoint of one run.

    Only one process may use it at a time: see `harness.scheduling.cell_locks`.

    `save` writes a checkpoint after an epoch under two conditions: the previous write has finished, and all
    checkpoints of the run, including this one, cost at most `max_fraction` of the training time so far. The
    cost of a checkpoint is the seconds that training waits while its state is copied, plus the CPU seconds
    of the thread that writes the copy during the next epoch. The expected cost is that of the previous
    checkpoint; for the first one it is its size divided by `BYTES_PER_SECOND`. A killed run therefore loses
    at most 1 / `max_fraction` times the cost of a checkpoint, plus one epoch.

    Two files alternate, so the previous checkpoint stays readable until the next one is complete.

    Args:
        path: the path of the checkpoint; the two files replace its suffix by .even and .odd.
        max_fraction: the maximum cost of all checkpoints, as a fraction of the training time.
        clock: returns the time in seconds.
        cpu_clock: returns the CPU seconds of the calling thread.

    Attributes:
        cost_seconds: the cost of the run's checkpoints, including those of earlier processes.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_fraction: float = MAX_TIME_FRACTION,
        clock: Callable[[], float] = time.perf_counter,
        cpu_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self.path, self.cost_seconds, self._max_fraction = path, 0.0, max_fraction
        self._clock, self._cpu_clock = clock, cpu_clock
        self._last_cost: float | None = None
        self._copy_seconds = 0.0
        self._thread_pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._write_future: Future[float] | None = None
        self._cancel_event = threading.Event()
        self._next_path, self._other_path = path.with_suffix(".even"), path.with_suffix(".odd")

    def save(self, state: TrainingState) -> None:
        """Start writing a checkpoint of `state` if one is due.

        A network whose state dict holds a value that is not a tensor gets no checkpoint: after a kill its
        run restarts from the first epoch.

        Raises:
            OSError: the previous checkpoint could not be written, for example because the disk is full.
        """
        if not self._has_written() or not self._is_due(state):
            return
        start = self._clock()
        snapshot = copy_state(state, seconds=self.cost_seconds)
        self._copy_seconds = self._clock() - start
        self.cost_seconds += self._copy_seconds
        path, self._next_path, self._other_path = self._next_path, self._other_path, self._next_path

        def write_and_time() -> float:
            begin = self._cpu_clock()
            write_snapshot(snapshot, path, is_canceled=self._cancel_event.is_set)
            return self._cpu_clock() - begin

        self._write_future = self._thread_pool.submit(write_and_time)

    def restore(self, state: TrainingState) -> bool:
        """Load the latest checkpoint into the freshly initialized `state`.

        Files of another device or network and incomplete files are ignored.

        Returns:
            True if a checkpoint was loaded; False, with `state` unchanged, if there is none.
        """
        paths = sorted((self._next_path, self._other_path), key=count_epochs)
        for path in reversed(paths):
            try:
                snapshot = read_snapshot(path)
                seconds = float(snapshot.header["seconds"])
                restore_state(snapshot, state)
            except READ_ERRORS:
                continue
            self.cost_seconds = seconds
            if path == self._next_path:
                self._next_path, self._other_path = self._other_path, self._next_path
            return True
        return False

    def discard(self) -> None:
        """Cancel an unfinished write and delete the run's checkpoint files."""
        self._cancel_event.set()
        self.close()
        for path in (self._next_path, self._other_path):
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Wait up to `CLOSE_TIMEOUT` seconds for an unfinished write, then cancel it."""
        if self._write_future is not None:
            wait((self._write_future,), timeout=CLOSE_TIMEOUT)
            self._cancel_event.set()
            wait((self._write_future,))
            with suppress(OSError):  # the run ends anyway: with an error of its own, or finished
                self._has_written()
        self._cancel_event.clear()

    def _has_written(self) -> bool:
        """Return True if no write is in progress; add the cost of a write that has just finished.

        Raises:
            OSError: the checkpoint could not be written.
        """
        if self._write_future is None:
            return True
        if not self._write_future.done():
            return False
        future, self._write_future = self._write_future, None
        write_seconds = future.result()
        self._last_cost = self._copy_seconds + write_seconds
        self.cost_seconds += write_seconds
        return True

    def _is_due(self, state: TrainingState) -> bool:
        if not all(isinstance(value, Tensor) for value in state.network.state_dict().values()):
            return False
        training_seconds = sum(epoch.seconds for epoch in state.history)
        expected_seconds = (
            count_bytes(state) / BYTES_PER_SECOND if self._last_cost is None else self._last_cost
        )
        return self.cost_seconds + expected_seconds <= self._max_fraction * training_seconds
