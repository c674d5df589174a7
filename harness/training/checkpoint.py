"""Checkpoints of one run, written beside its training, so that training goes on from there bit for bit."""

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
"""The most that checkpoints cost, as a share of the time that training has taken."""

BYTES_PER_SECOND = 3e8
"""Bytes that a first checkpoint is expected to copy and write in a second: 1.6 GB took 5.6 s on two cores."""

CLOSE_TIMEOUT = 5.0
"""Seconds that a process which ends waits for the checkpoint that it is writing."""


class Checkpoint:
    """The last checkpoint of one run, which no two processes write at once: see `harness.running.claims`.

    After an epoch a checkpoint is written if none is being written, and if all checkpoints of the run, this
    one included, then cost at most `share` of the seconds that its epochs have taken. A checkpoint costs the
    seconds for which training waits while its state is copied, and the processor seconds of the thread that
    writes the copy beside the next epoch. It is expected to cost as much as the one before it, and a first
    one a second for each `GUESS` bytes. So a run that is killed loses the epochs since its last checkpoint:
    at most 1 / `share` times what a checkpoint costs, and the epoch during which that time came.

    Two files take turns, so that the checkpoint before is there until the next is whole.

    `seconds` is what the run's checkpoints have cost, in earlier processes too. `clock` gives the time in
    seconds, `work_clock` the processor seconds of the calling thread.
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
        """Begin a checkpoint of an epoch that has just ended, if it is time for one.

        A network of whose state a part is no tensor is not kept: killed, its run begins anew.

        Raises:
            OSError: the one before could not be written, as on a full disk.
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
        """Bring `standing`, just begun, to where the run was left; False, and nothing done, where it was not.

        A file of another device or another network, or one that is not whole, counts as none.
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
        """Drop what is being written, and take the run's files away."""
        self._cancel_event.set()
        self.close()
        for path in (self._next_path, self._other_path):
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Wait for what is being written, but no longer than `GRACE` seconds: then it is dropped."""
        if self._write_future is not None:
            wait((self._write_future,), timeout=CLOSE_TIMEOUT)
            self._cancel_event.set()
            wait((self._write_future,))
            with suppress(OSError):  # the error that ends the run is another one, or the file is not needed
                self._has_written()
        self._cancel_event.clear()

    def _has_written(self) -> bool:
        """Whether nothing is being written; what the last checkpoint has cost is counted.

        Raises:
            OSError: it could not be written.
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
