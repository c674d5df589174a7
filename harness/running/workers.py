"""Cells on several processes of this machine, each with its share of a GPU or of the cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any

from harness.closed_pipe import ignore_closed_pipes
from harness.process import keep_freed_memory, spinning
from harness.progress import Event, Tell
from harness.running.cell import Outcome
from harness.running.job import Job, work
from harness.running.schedule import Died
from studies.spec import RunSpec

LOOKS = 1.0
"""Seconds that `ended` waits for something to happen."""

GRACE = 5.0
"""Seconds that a worker has to close its run when the study is stopped."""

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(slots=True, kw_only=True)
class _Worker:
    process: SpawnProcess
    connection: Connection
    gpu: str
    spec: RunSpec | None = None


class Workers:
    """Runs cells in `slots` processes, on each of `gpus` (as CUDA_VISIBLE_DEVICES names them) in turn.

    A process that dies takes its cell with it, and no other; another one takes its place.
    """

    def __init__(self, job: Job, *, slots: int, gpus: Sequence[str], tell: Tell) -> None:
        self.slots = slots
        self._job, self._gpus, self._tell = job, gpus, tell
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            # One that runs a cell closes the cell's run as it goes.
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(GRACE)
            worker.process.kill()
            worker.process.join()
            worker.connection.close()

    def start(self, spec: RunSpec) -> None:
        """Have a cell run in a process that is idle, or in a new one."""
        worker = next((worker for worker in self._workers if worker.spec is None), None)
        if worker is None:
            worker = self._new()
            self._workers.append(worker)
        worker.spec = spec
        with suppress(OSError):  # it has died while idle: `ended` finds that, and the cell goes to another
            worker.connection.send(spec)

    def ended(self) -> Sequence[tuple[RunSpec, Outcome | Died]]:
        """Cells that have ended, by themselves or with their process; tells what the others say."""
        found: list[tuple[RunSpec, Outcome | Died]] = []
        busy = {worker.connection: worker for worker in self._workers if worker.spec is not None}
        for connection in wait(list(busy), timeout=LOOKS):
            assert isinstance(connection, Connection)
            worker = busy[connection]
            assert worker.spec is not None
            try:
                told = connection.recv()
            except (EOFError, OSError):
                found.append((worker.spec, self._buried(worker)))
                continue
            if isinstance(told, Event):
                self._tell(told)
            elif isinstance(told, Exception):
                raise told
            else:
                found.append((worker.spec, told))
                worker.spec = None
        return found

    def _new(self) -> _Worker:
        here, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_serve, args=(self._job, there), daemon=True)
        used = Counter(worker.gpu for worker in self._workers)
        gpu = min(self._gpus, key=lambda name: used[name], default="")
        with _environment({**spinning(), **({VISIBLE: gpu} if gpu else {})}):
            process.start()
        there.close()
        return _Worker(process=process, connection=here, gpu=gpu)

    def _buried(self, worker: _Worker) -> Died:
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join(GRACE)
        status = worker.process.exitcode
        if status is not None and status < 0:
            ended = f"killed by {signal.Signals(-status).name}"
            ended += ", perhaps for want of memory" if status == -signal.SIGKILL else ""
        else:
            ended = f"exit status {status}"
        return Died(how=f"its process died ({ended})")


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Processes that start within have these variables in their environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _serve(job: Job, connection: Connection) -> None:
    """What a worker does: one cell after the other, until the study ends or its process dies."""
    ignore_closed_pipes()
    # Ctrl-C reaches all processes of a terminal; the study's decides, and stops its workers so.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupted)
    keep_freed_memory()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    speaks = threading.Lock()

    def say(told: object) -> None:
        try:
            with speaks:  # training tells its epochs, another thread that the tracking store is away
                connection.send(told)
        except OSError:
            os._exit(1)  # nobody listens any more, which is no failure of the cell

    try:
        while True:
            spec = connection.recv()
            try:
                say(work(job, spec, say))
            except Exception as error:  # no failure of the cell, which `work` writes down itself
                say(error)
    except (EOFError, KeyboardInterrupt):
        return


def _interrupted(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _die_with_parent() -> None:
    """End this process with the one that made it, which may have been killed: its claims must end too."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
