"""Cells as tasks of a Ray cluster, on whichever nodes have room. The only user of ray.

The driver claims each cell, so that drivers and local processes of a study never run one twice; a node finds
or prepares the data for itself and writes results to the tracking server, as a local process does.
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
from harness.process import get_spin_settings, keep_freed_memory
from harness.progress import Event
from harness.running.cell import CellContext, CellOutcome, LockedElsewhere
from harness.running.job import Job, run_job_cell
from harness.running.schedule import WorkerDeath
from harness.running.share import gpu_fraction
from harness.tracking.store import is_local
from studies.spec import RunSpec

POLL_SECONDS = 0.5
"""Seconds between two looks at what the nodes say."""


class RayExecutor:
    """Runs cells as Ray tasks, each with its share of a GPU, or with as many cores as it has threads.

    Raises:
        UserError: no cluster answers at `address`, it has no room for any cell, or it has other machines,
            which cannot reach a tracking store that is a file.
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
                f"--ray-address {self._address}: no Ray cluster answers there ({type(error).__name__}); "
                "start one with `ray start --head`, or name the address that it printed"
            ) from error
        driver_node_id = ray.get_runtime_context().get_node_id()
        nodes = [node for node in ray.nodes() if node["Alive"]]
        if is_local(self._job.tracking_uri) and len({node["NodeManagerHostname"] for node in nodes}) > 1:
            ray.shutdown()
            raise UserError(
                "--executor ray on several machines needs a tracking server that they all reach; got a file "
                "on this one: start `mlflow server` and name it with --tracking-uri"
            )
        max_cpus = max(node["Resources"].get("CPU", 0) for node in nodes)
        if self._job.device == "cuda" and not any(node["Resources"].get("GPU") for node in nodes):
            ray.shutdown()
            raise UserError("--executor ray: no node of the cluster has a GPU for --device cuda; name cpu")
        if self._job.device != "cuda" and max_cpus < self._job.threads:
            ray.shutdown()
            raise UserError(
                f"--executor ray: a cell takes {self._job.threads} cores, as this process has threads, and "
                f"no node has more than {max_cpus:.0f}: set OMP_NUM_THREADS to fewer"
            )
        strategy = NodeAffinitySchedulingStrategy(driver_node_id, soft=False)
        self._queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": strategy})
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
        """Cells to hand over: as many as the nodes there are now have room for, and one to follow."""
        resources = ray.cluster_resources()
        if self._job.device == "cuda":
            capacity = resources.get("GPU", 0) * 4
        else:
            capacity = resources.get("CPU", 0) / self._job.threads
        return min(self._max_cells or 1_000_000, int(capacity) + 1)

    def start(self, spec: RunSpec) -> None:
        """Hand a cell over, unless another process is at it."""
        lock = ExitStack()
        if not lock.enter_context(self._context.locks.lock(spec.key)):
            self._locked_specs.append(spec)
            return
        self._cell_locks[spec.key] = lock
        resources = (
            {"num_gpus": gpu_fraction(spec, num_classes=2), "num_cpus": 1}
            if self._job.device == "cuda"
            else {"num_cpus": self._job.threads}
        )
        task = self._remote_function.options(**resources).remote(self._job, spec, self._queue.actor)
        self._specs_by_task[task] = spec

    def poll(self) -> Sequence[tuple[RunSpec, CellOutcome | WorkerDeath]]:
        """Cells that have ended, by themselves or with their node; tells what the others say."""
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
        # Not waited for: a task that waits gives its cores to the next one. With its driver it dies anyway.
        queue.put_nowait.remote(event)

    keep_freed_memory()
    return run_job_cell(job, spec, emit)
