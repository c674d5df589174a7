"""Run cells as tasks of a Ray cluster. The only module that imports ray.

The driver locks each cell, so that several drivers and local processes never run the same cell twice. A node
finds or prepares the data itself and writes results to the tracking server, as a local process does.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
import ray.exceptions
from ray.util.queue import Queue
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from harness.errors import StudyAborted, UserError
from harness.planning.execution import format_missing_cluster
from harness.process_settings import get_spin_settings, keep_freed_memory
from harness.progress import Event
from harness.scheduling.cell import CellContext, CellOutcome, LockedElsewhere
from harness.scheduling.job import Job, run_job_cell
from harness.scheduling.scheduler import WorkerDeath
from harness.tracking.uri import is_local
from studies.spec import RunSpec

POLL_SECONDS = 0.5
"""Seconds between two polls of the nodes' events."""


class RayExecutor:
    """Run cells as Ray tasks; each reserves a fraction of a GPU, or one core for each of its threads.

    Raises:
        UserError: no cluster answers at `address`, no node has the resources for a cell, or the cluster has
            several machines and the tracking store is a local file.
    """

    def __init__(self, job: Job, context: CellContext, *, address: str, max_cells: int | None) -> None:
        self._job, self._context, self._address, self._max_cells = job, context, address, max_cells
        self._specs_by_task: dict[Any, RunSpec] = {}
        self._cell_locks: dict[str, ExitStack] = {}
        self._locked_specs: list[RunSpec] = []

    def __enter__(self) -> RayExecutor:
        try:
            ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UserError(
                format_missing_cluster(self._address, type(error).__name__), code="ray-cluster.unreachable"
            ) from error
        driver_node_id = ray.get_runtime_context().get_node_id()
        nodes = [node for node in ray.nodes() if node["Alive"]]
        if is_local(self._job.tracking_uri) and len({node["NodeManagerHostname"] for node in nodes}) > 1:
            ray.shutdown()
            raise UserError(
                "--executor ray on several machines needs a tracking server that they all reach; got a file "
                "on this one: start `mlflow server` and pass its address with --tracking-uri",
                code="ray-store.is-a-file",
            )
        max_cpus = max(node["Resources"].get("CPU", 0) for node in nodes)
        if self._job.device == "cuda" and not any(node["Resources"].get("GPU") for node in nodes):
            ray.shutdown()
            raise UserError(
                "--executor ray: no node of the cluster has a GPU; use --device cpu",
                code="ray-cluster.no-gpu",
            )
        if self._job.device != "cuda" and max_cpus < self._job.threads:
            ray.shutdown()
            raise UserError(
                f"--executor ray: a cell needs {self._job.threads} cores, one for each thread of this "
                f"process, and no node has more than {max_cpus:.0f}: set OMP_NUM_THREADS to fewer",
                code="ray-cluster.too-few-cores",
            )
        strategy = NodeAffinitySchedulingStrategy(driver_node_id, soft=False)
        self._queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": strategy})
        self._job_ref = ray.put(self._job)  # sent to each node once, not with each task
        self._remote_function = ray.remote(max_retries=0, runtime_env={"env_vars": get_spin_settings()})(
            _run_task
        )
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._specs_by_task:
            ray.cancel(task, force=True)
        for lock in self._cell_locks.values():
            lock.close()
        ray.shutdown()

    @property
    def slots(self) -> int:
        """The number of cells to submit: as many as fit the current nodes, and one more for the queue."""
        resources = ray.cluster_resources()
        if self._job.device == "cuda":
            capacity = resources.get("GPU", 0)
        else:
            capacity = resources.get("CPU", 0) / self._job.threads
        return min(self._max_cells or 1_000_000, int(capacity) + 1)

    def start(self, spec: RunSpec) -> None:
        """Submit a cell, unless another process has locked it."""
        lock = ExitStack()
        if not lock.enter_context(self._context.locks.lock(spec.key)):
            self._locked_specs.append(spec)
            return
        self._cell_locks[spec.key] = lock
        resources = (
            {"num_gpus": 1, "num_cpus": 1} if self._job.device == "cuda" else {"num_cpus": self._job.threads}
        )
        task = self._remote_function.options(**resources).remote(self._job_ref, spec, self._queue.actor)
        self._specs_by_task[task] = spec

    def poll(self) -> Sequence[tuple[RunSpec, CellOutcome | WorkerDeath]]:
        """Return the cells that have ended or whose node died; forward the events of the others."""
        outcomes: list[tuple[RunSpec, CellOutcome | WorkerDeath]] = [
            (spec, LockedElsewhere()) for spec in self._locked_specs
        ]
        self._locked_specs = []
        tasks = list(self._specs_by_task)
        finished_tasks, _ = ray.wait(tasks, timeout=0 if outcomes else POLL_SECONDS) if tasks else ([], [])
        self._forward_events()
        for task in finished_tasks:
            spec = self._specs_by_task.pop(task)
            self._cell_locks.pop(spec.key).close()
            outcomes.append((spec, self._fetch_outcome(task)))
        return outcomes

    def _forward_events(self) -> None:
        events: list[Event] = self._queue.get_nowait_batch(self._queue.qsize())
        for event in events:
            self._context.emit(event)

    def _fetch_outcome(self, task: Any) -> CellOutcome | WorkerDeath:
        try:
            outcome: CellOutcome = ray.get(task)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, StudyAborted | UserError):
                raise error.cause from error
            raise
        except ray.exceptions.RayError as error:
            return WorkerDeath(reason=f"its worker or its node died ({type(error).__name__})")
        return outcome


def _run_task(job: Job, spec: RunSpec, queue: Any) -> CellOutcome:
    def emit(event: Event) -> None:
        # Do not wait for the result: Ray gives the cores of a waiting task to the next one. If the driver
        # is gone, the task dies too.
        queue.put_nowait.remote(event)

    keep_freed_memory()
    return run_job_cell(job, spec, emit)
