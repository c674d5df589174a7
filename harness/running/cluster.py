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

from harness.errors import Stopped, UserError
from harness.process import keep_freed_memory, spinning
from harness.progress import Event
from harness.running.cell import Desk, Elsewhere, Outcome
from harness.running.job import Job, work
from harness.running.schedule import Died
from harness.running.share import share
from harness.tracking.store import is_local
from studies.spec import RunSpec

LOOKS = 0.5
"""Seconds between two looks at what the nodes say."""


class Cluster:
    """Runs cells as Ray tasks, each with its share of a GPU, or with as many cores as it has threads.

    Raises:
        UserError: no cluster answers at `address`, it has no room for any cell, or it has other machines,
            which cannot reach a tracking store that is a file.
    """

    def __init__(self, job: Job, desk: Desk, *, address: str, most: int | None) -> None:
        self._job, self._desk, self._address, self._most = job, desk, address, most
        self._running: dict[Any, RunSpec] = {}
        self._claims: dict[str, ExitStack] = {}
        self._elsewhere: list[RunSpec] = []

    def __enter__(self) -> Cluster:
        try:
            ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UserError(
                f"--ray-address {self._address}: no Ray cluster answers there ({type(error).__name__}); "
                "start one with `ray start --head`, or name the address that it printed"
            ) from error
        here = ray.get_runtime_context().get_node_id()
        nodes = [node for node in ray.nodes() if node["Alive"]]
        if is_local(self._job.tracking_uri) and len({node["NodeManagerHostname"] for node in nodes}) > 1:
            ray.shutdown()
            raise UserError(
                "--executor ray on several machines needs a tracking server that they all reach; got a file "
                "on this one: start `mlflow server` and name it with --tracking-uri"
            )
        most = max(node["Resources"].get("CPU", 0) for node in nodes)
        if self._job.device == "cuda" and not any(node["Resources"].get("GPU") for node in nodes):
            ray.shutdown()
            raise UserError("--executor ray: no node of the cluster has a GPU for --device cuda; name cpu")
        if self._job.device != "cuda" and most < self._job.threads:
            ray.shutdown()
            raise UserError(
                f"--executor ray: a cell takes {self._job.threads} cores, as this process has threads, and "
                f"no node has more than {most:.0f}: set OMP_NUM_THREADS to fewer"
            )
        pinned = NodeAffinitySchedulingStrategy(here, soft=False)
        self._queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": pinned})
        self._task = ray.remote(max_retries=0, runtime_env={"env_vars": spinning()})(_work)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            ray.cancel(task, force=True)
        for claim in self._claims.values():
            claim.close()
        ray.shutdown()

    @property
    def slots(self) -> int:
        """Cells to hand over: as many as the nodes there are now have room for, and one to follow."""
        total = ray.cluster_resources()
        if self._job.device == "cuda":
            room = total.get("GPU", 0) * 4
        else:
            room = total.get("CPU", 0) / self._job.threads
        return min(self._most or 1_000_000, int(room) + 1)

    def start(self, spec: RunSpec) -> None:
        """Hand a cell over, unless another process is at it."""
        claim = ExitStack()
        if not claim.enter_context(self._desk.claims.taken(spec.key)):
            self._elsewhere.append(spec)
            return
        self._claims[spec.key] = claim
        resources = (
            {"num_gpus": share(spec, classes=2), "num_cpus": 1}
            if self._job.device == "cuda"
            else {"num_cpus": self._job.threads}
        )
        task = self._task.options(**resources).remote(self._job, spec, self._queue.actor)
        self._running[task] = spec

    def ended(self) -> Sequence[tuple[RunSpec, Outcome | Died]]:
        """Cells that have ended, by themselves or with their node; tells what the others say."""
        found: list[tuple[RunSpec, Outcome | Died]] = [(spec, Elsewhere()) for spec in self._elsewhere]
        self._elsewhere = []
        tasks = list(self._running)
        done, _ = ray.wait(tasks, timeout=0 if found else LOOKS) if tasks else ([], [])
        self._hear()
        for task in done:
            spec = self._running.pop(task)
            self._claims.pop(spec.key).close()
            found.append((spec, self._outcome(task)))
        return found

    def _hear(self) -> None:
        told: list[Event] = self._queue.get_nowait_batch(self._queue.qsize())
        for event in told:
            self._desk.tell(event)

    def _outcome(self, task: Any) -> Outcome | Died:
        try:
            outcome: Outcome = ray.get(task)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, Stopped | UserError):
                raise error.cause from error
            raise
        except ray.exceptions.RayError as error:
            return Died(how=f"its worker or its node died ({type(error).__name__})")
        return outcome


def _work(job: Job, spec: RunSpec, queue: Any) -> Outcome:
    def tell(event: Event) -> None:
        # Not waited for: a task that waits gives its cores to the next one. With its driver it dies anyway.
        queue.put_nowait.remote(event)

    keep_freed_memory()
    return work(job, spec, tell)
