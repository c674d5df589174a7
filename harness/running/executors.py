"""From how a study is to be run to what runs it: this process, several of this machine, or a Ray cluster."""

from __future__ import annotations

import importlib.util
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast, get_args

if TYPE_CHECKING:
    from harness.plan import Plan
    from harness.running.cell import Desk
    from harness.running.schedule import Executor
    from studies.spec import RunSpec

EXECUTORS = ("local", "ray")

KeepWeights = Literal["all", "best", "none"]
"""Whose best epoch's weights are kept: every run's, those of the best run of each arm, or nobody's."""

AUTO = "auto"
"""The address of whatever cluster this machine is part of."""

CONNECTING = 10.0
"""Seconds that a cluster's address has to answer in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How a study is run: by what, on which cluster, and how many cells at once; None leaves that open.

    `retry_failed` runs just the cells that failed before. `keep_weights` is one of `KeepWeights`.

    Raises:
        ValueError: an unknown executor or one that is not installed, fewer than one cell at once, an
            address without a cluster, or an unknown rule for weights.
    """

    executor: str = "local"
    ray_address: str | None = None
    jobs: int | None = None
    retry_failed: bool = False
    keep_weights: str = "all"

    @property
    def runs(self) -> str | None:
        """How cells stand on the ledger that are run: not ended yet, or "failed"."""
        return "failed" if self.retry_failed else None

    @property
    def weights(self) -> KeepWeights:
        """Whose weights are kept."""
        return cast(KeepWeights, self.keep_weights)

    def __post_init__(self) -> None:
        if self.keep_weights not in get_args(KeepWeights):
            raise ValueError(
                f"--keep-weights must be one of {', '.join(get_args(KeepWeights))}; got {self.keep_weights!r}"
            )
        if self.executor not in EXECUTORS:
            raise ValueError(f"--executor must be one of {', '.join(EXECUTORS)}; got {self.executor!r}")
        if self.jobs is not None and self.jobs < 1:
            raise ValueError(f"--jobs must be at least 1; got {self.jobs}; leave it out to have it chosen")
        if self.ray_address is not None and self.executor != "ray":
            raise ValueError(
                f"--ray-address goes with --executor ray; got {self.ray_address!r} with {self.executor}"
            )
        if self.executor == "ray" and importlib.util.find_spec("ray") is None:
            raise ValueError(
                "--executor ray needs Ray, which is not installed: pip install --editable '.[ray]' in the "
                "folder that harness was installed from"
            )


def check(running: Running) -> None:
    """See that something listens where the cluster is said to be: Ray itself would try for minutes.

    Raises:
        ValueError: nothing does, or the address is none.
    """
    if running.ray_address in (None, AUTO):
        return
    host, _, port = str(running.ray_address).removeprefix("ray://").rpartition(":")
    if not host or not re.fullmatch(r"\d{1,5}", port):
        raise ValueError(
            f"--ray-address takes HOST:PORT, ray://HOST:PORT or {AUTO}; got {running.ray_address!r}"
        )
    try:
        socket.create_connection((host, int(port)), timeout=CONNECTING).close()
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"--ray-address {running.ray_address}: no Ray cluster answers there ({error}); start one with "
            "`ray start --head`, or name the address that it printed"
        ) from error


def at_once(plan: Plan, running: Running) -> int:
    """How many cells this machine runs at once: as asked for, else as many as use its GPUs or cores best.

    By the whole study, so that one that goes on computes with as many threads as before.
    """
    if running.jobs is not None:
        return running.jobs
    import torch

    from harness.running.share import gpus, memory_of_this_machine, on_cores, together

    runs, classes = plan.study.runs(), len(plan.pixels.table.classes)
    if plan.device.type == "cuda":
        memory = torch.cuda.get_device_properties(plan.device).total_memory
        return len(gpus()) * together(runs, classes=classes, memory=memory)
    if plan.device.type == "cpu":
        return on_cores(
            runs,
            classes=classes,
            images=len(plan.pixels.images),
            cores=torch.get_num_threads(),
            memory=memory_of_this_machine(),
        )
    return 1


def in_words(plan: Plan, running: Running) -> str:
    """How many cells go at once, and where, for the plan line."""
    if running.executor == "ray":
        most = f", at most {running.jobs} at once" if running.jobs else ""
        return f"on the Ray cluster at {running.ray_address or AUTO}{most}"
    slots = at_once(plan, running)
    return "one at a time" if slots == 1 else f"{slots} at once"


@contextmanager
def executor_of(plan: Plan, running: Running, desk: Desk) -> Iterator[Executor]:
    """What runs the cells of a plan; its processes end with the block.

    Raises:
        UserError: the cluster does not answer, or its nodes cannot reach the tracking store.
    """
    from harness.running.job import job_of

    if running.executor == "ray":
        from harness.running.cluster import Cluster

        job = job_of(plan, desk, place=desk.claims.place)
        with Cluster(job, desk, address=running.ray_address or AUTO, most=running.jobs) as cluster:
            yield cluster
        return
    slots = at_once(plan, running)
    if slots == 1:
        from harness.running.study import Here

        yield Here(plan.study, plan.data, desk)
        return
    from harness.running.share import gpus
    from harness.running.workers import Workers

    job = job_of(plan, desk)
    on_gpus = gpus() if plan.device.type == "cuda" else ()
    job = job if on_gpus else replace(job, threads=max(1, job.threads // slots))
    with Workers(job, slots=slots, gpus=on_gpus, tell=desk.tell) as workers:
        yield workers


def in_order(plan: Plan, executor: Executor) -> Sequence[RunSpec]:
    """The plan's cells in the order in which they start: longest first where several run at once."""
    runs = plan.study.runs()
    if executor.slots == 1:
        return runs
    from harness.running.share import longest_first

    return longest_first(runs, classes=len(plan.pixels.table.classes))
