"""Run cells in several processes of this machine, each with a share of a GPU or of the cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any

from harness.closed_pipe import ignore_closed_pipes
from harness.planning.resources import GPU_ENV_VAR
from harness.process_settings import get_spin_settings, keep_freed_memory, set_environment
from harness.progress import Event, EventSink
from harness.scheduling.cell import CellOutcome
from harness.scheduling.job import Job, run_job_cell
from harness.scheduling.scheduler import WorkerDeath
from studies.spec import RunSpec

POLL_SECONDS = 1.0
"""Seconds that `MultiProcessExecutor.poll` waits for a message."""

SHUTDOWN_TIMEOUT = 5.0
"""Seconds that a worker has to close its run after the study is stopped."""


@dataclass(slots=True, kw_only=True)
class _Worker:
    process: SpawnProcess
    connection: Connection
    gpu: str
    spec: RunSpec | None = None


class MultiProcessExecutor:
    """Run cells in `slots` processes, spread over `gpus` (in the notation of CUDA_VISIBLE_DEVICES).

    If a process dies, only its cell is lost, and another process replaces it.
    """

    def __init__(self, job: Job, *, slots: int, gpus: Sequence[str], emit: EventSink) -> None:
        self.slots = slots
        self._job, self._gpus, self._emit = job, gpus, emit
        self._workers: list[_Worker] = []

    def __enter__(self) -> MultiProcessExecutor:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            # On SIGTERM a worker closes the run of its cell.
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(SHUTDOWN_TIMEOUT)
            worker.process.kill()
            worker.process.join()
            worker.connection.close()

    def start(self, spec: RunSpec) -> None:
        """Start a cell in an idle process, or in a new one."""
        worker = next((worker for worker in self._workers if worker.spec is None), None)
        if worker is None:
            worker = self._spawn()
            self._workers.append(worker)
        worker.spec = spec
        with suppress(OSError):  # the worker died while idle: `poll` reports it and the cell is restarted
            worker.connection.send(spec)

    def poll(self) -> Sequence[tuple[RunSpec, CellOutcome | WorkerDeath]]:
        """Return the cells that have ended or whose process died; forward the events of the others."""
        outcomes: list[tuple[RunSpec, CellOutcome | WorkerDeath]] = []
        busy_workers = {worker.connection: worker for worker in self._workers if worker.spec is not None}
        for connection in wait(list(busy_workers), timeout=POLL_SECONDS):
            assert isinstance(connection, Connection)
            worker = busy_workers[connection]
            assert worker.spec is not None
            try:
                message = connection.recv()
            except (EOFError, OSError):
                outcomes.append((worker.spec, self._remove_dead(worker)))
                continue
            if isinstance(message, Event):
                self._emit(message)
            elif isinstance(message, Exception):
                raise message
            else:
                outcomes.append((worker.spec, message))
                worker.spec = None
        return outcomes

    def _spawn(self) -> _Worker:
        connection, worker_connection = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_serve, args=(self._job, worker_connection), daemon=True)
        cells_by_gpu = Counter(worker.gpu for worker in self._workers)
        gpu = min(self._gpus, key=lambda gpu_id: cells_by_gpu[gpu_id], default="")
        with set_environment({**get_spin_settings(), **({GPU_ENV_VAR: gpu} if gpu else {})}):
            process.start()
        worker_connection.close()
        return _Worker(process=process, connection=connection, gpu=gpu)

    def _remove_dead(self, worker: _Worker) -> WorkerDeath:
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join(SHUTDOWN_TIMEOUT)
        exit_code = worker.process.exitcode
        if exit_code is not None and exit_code < 0:
            cause = f"killed by {signal.Signals(-exit_code).name}"
            cause += ", possibly out of memory" if exit_code == -signal.SIGKILL else ""
        else:
            cause = f"exit status {exit_code}"
        return WorkerDeath(reason=f"its process died ({cause})")


def _serve(job: Job, connection: Connection) -> None:
    """Run the loop of a worker process: receive a cell, run it, send the outcome; until the study ends."""
    ignore_closed_pipes()
    # Ctrl-C reaches all processes of a terminal; only the study's process reacts and terminates its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _raise_interrupt)
    keep_freed_memory()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    send_lock = threading.Lock()

    def send(message: object) -> None:
        try:
            with send_lock:  # two threads send: training its epochs, the logger that the store is unavailable
                connection.send(message)
        except OSError:
            os._exit(1)  # the study's process is gone; the cell has not failed

    try:
        while True:
            spec = connection.recv()
            try:
                send(run_job_cell(job, spec, send))
            except Exception as error:  # not a failure of the cell: `run_job_cell` records those itself
                send(error)
    except (EOFError, KeyboardInterrupt):
        return


def _raise_interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _die_with_parent() -> None:
    """Exit when the parent process ends, even if it was killed, so that this process releases its locks."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
