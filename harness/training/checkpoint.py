"""Checkpoints of one run, written beside its training, so that training goes on from there bit for bit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from harness.training.snapshot import SPOILT, bytes_of, copy_state, epochs_in, put_back, read, write
from harness.training.train import Standing

SHARE = 0.02
"""The most that checkpoints cost, as a share of the time that training has taken."""

GUESS = 3e8
"""Bytes that a first checkpoint is expected to copy and write in a second: 1.6 GB took 5.6 s on two cores."""

GRACE = 5.0
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
        share: float = SHARE,
        clock: Callable[[], float] = time.perf_counter,
        work_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self.path, self.seconds, self._share = path, 0.0, share
        self._clock, self._work_clock = clock, work_clock
        self._last: float | None = None
        self._copying = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[float] | None = None
        self._dropped = threading.Event()
        self._turn, self._other = path.with_suffix(".even"), path.with_suffix(".odd")

    def keep(self, standing: Standing) -> None:
        """Begin a checkpoint of an epoch that has just ended, if it is time for one.

        A network of whose state a part is no tensor is not kept: killed, its run begins anew.

        Raises:
            OSError: the one before could not be written, as on a full disk.
        """
        if not self._has_written() or not self._is_due(standing):
            return
        start = self._clock()
        snapshot = copy_state(standing, seconds=self.seconds)
        self._copying = self._clock() - start
        self.seconds += self._copying
        turn, self._turn, self._other = self._turn, self._other, self._turn

        def timed() -> float:
            begin = self._work_clock()
            write(snapshot, turn, is_dropped=self._dropped.is_set)
            return self._work_clock() - begin

        self._writing = self._thread.submit(timed)

    def restore(self, standing: Standing) -> bool:
        """Bring `standing`, just begun, to where the run was left; False, and nothing done, where it was not.

        A file of another device or another network, or one that is not whole, counts as none.
        """
        turns = sorted((self._turn, self._other), key=epochs_in)
        for turn in reversed(turns):
            try:
                snapshot = read(turn)
                seconds = float(snapshot.header["seconds"])
                put_back(snapshot, standing)
            except SPOILT:
                continue
            self.seconds = seconds
            if turn == self._turn:
                self._turn, self._other = self._other, self._turn
            return True
        return False

    def discard(self) -> None:
        """Drop what is being written, and take the run's files away."""
        self._dropped.set()
        self.close()
        for turn in (self._turn, self._other):
            with suppress(OSError):
                turn.unlink()

    def close(self) -> None:
        """Wait for what is being written, but no longer than `GRACE` seconds: then it is dropped."""
        if self._writing is not None:
            wait((self._writing,), timeout=GRACE)
            self._dropped.set()
            wait((self._writing,))
            with suppress(OSError):  # the error that ends the run is another one, or the file is not needed
                self._has_written()
        self._dropped.clear()

    def _has_written(self) -> bool:
        """Whether nothing is being written; what the last checkpoint has cost is counted.

        Raises:
            OSError: it could not be written.
        """
        if self._writing is None:
            return True
        if not self._writing.done():
            return False
        writing, self._writing = self._writing, None
        work = writing.result()
        self._last = self._copying + work
        self.seconds += work
        return True

    def _is_due(self, standing: Standing) -> bool:
        if not all(isinstance(part, Tensor) for part in standing.network.state_dict().values()):
            return False
        trained = sum(epoch.seconds for epoch in standing.history)
        expected = bytes_of(standing) / GUESS if self._last is None else self._last
        return self.seconds + expected <= self._share * trained
