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
    from harness.plan import StudyPlan
    from harness.running.cell import CellContext
    from harness.running.schedule import Executor
    from studies.spec import RunSpec

EXECUTORS = ("local", "ray")

WeightRule = Literal["all", "best", "none"]
"""Whose best epoch's weights are kept: every run's, those of the best run of each arm, or nobody's."""

AUTO_ADDRESS = "auto"
"""The address of whatever cluster this machine is part of."""

CONNECT_TIMEOUT = 10.0
"""Seconds that a cluster's address has to answer in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOptions:
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
    def state_filter(self) -> str | None:
        """How cells stand on the ledger that are run: not ended yet, or "failed"."""
        return "failed" if self.retry_failed else None

    @property
    def weight_rule(self) -> WeightRule:
        """Whose weights are kept."""
        return cast(WeightRule, self.keep_weights)

    def __post_init__(self) -> None:
        if self.keep_weights not in get_args(WeightRule):
            raise ValueError(
                f"--keep-weights must be one of {', '.join(get_args(WeightRule))}; got {self.keep_weights!r}"
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


def check_cluster_address(options: ExecutionOptions) -> None:
    """See that something listens where the cluster is said to be: Ray itself would try for minutes.

    Raises:
        ValueError: nothing does, or the address is none.
    """
    if options.ray_address in (None, AUTO_ADDRESS):
        return
    host, _, port = str(options.ray_address).removeprefix("ray://").rpartition(":")
    if not host or not re.fullmatch(r"\d{1,5}", port):
        raise ValueError(
            f"--ray-address takes HOST:PORT, ray://HOST:PORT or {AUTO_ADDRESS}; got {options.ray_address!r}"
        )
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT).close()
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"--ray-address {options.ray_address}: no Ray cluster answers there ({error}); start one with "
            "`ray start --head`, or name the address that it printed"
        ) from error


def choose_slots(plan: StudyPlan, options: ExecutionOptions) -> int:
    """How many cells this machine runs at once: as asked for, else as many as use its GPUs or cores best.

    By the whole study, so that one that goes on computes with as many threads as before.
    """
    if options.jobs is not None:
        return options.jobs
    import torch

    from harness.running.share import cells_per_cpu, cells_per_gpu, list_gpus, read_machine_memory

    runs, num_classes = plan.study.list_runs(), len(plan.pixels.table.classes)
    if plan.device.type == "cuda":
        memory = torch.cuda.get_device_properties(plan.device).total_memory
        return len(list_gpus()) * cells_per_gpu(runs, num_classes=num_classes, memory=memory)
    if plan.device.type == "cpu":
        return cells_per_cpu(
            runs,
            num_classes=num_classes,
            image_count=len(plan.pixels.images),
            cores=torch.get_num_threads(),
            memory=read_machine_memory(),
        )
    return 1


def describe_execution(plan: StudyPlan, options: ExecutionOptions) -> str:
    """How many cells go at once, and where, for the plan line."""
    if options.executor == "ray":
        limit = f", at most {options.jobs} at once" if options.jobs else ""
        return f"on the Ray cluster at {options.ray_address or AUTO_ADDRESS}{limit}"
    slots = choose_slots(plan, options)
    return "one at a time" if slots == 1 else f"{slots} at once"


@contextmanager
def open_executor(plan: StudyPlan, options: ExecutionOptions, context: CellContext) -> Iterator[Executor]:
    """What runs the cells of a plan; its processes end with the block.

    Raises:
        UserError: the cluster does not answer, or its nodes cannot reach the tracking store.
    """
    from harness.running.job import build_job

    if options.executor == "ray":
        from harness.running.cluster import RayExecutor

        job = build_job(plan, context, lock_scope=context.locks.scope)
        with RayExecutor(
            job, context, address=options.ray_address or AUTO_ADDRESS, max_cells=options.jobs
        ) as cluster:
            yield cluster
        return
    slots = choose_slots(plan, options)
    if slots == 1:
        from harness.running.study import InProcessExecutor

        yield InProcessExecutor(plan.study, plan.pixels_by_fingerprint, context)
        return
    from harness.running.share import list_gpus
    from harness.running.workers import MultiProcessExecutor

    job = build_job(plan, context)
    gpu_ids = list_gpus() if plan.device.type == "cuda" else ()
    job = job if gpu_ids else replace(job, threads=max(1, job.threads // slots))
    with MultiProcessExecutor(job, slots=slots, gpus=gpu_ids, emit=context.emit) as workers:
        yield workers


def order_cells(plan: StudyPlan, executor: Executor) -> Sequence[RunSpec]:
    """The plan's cells in the order in which they start: longest first where several run at once."""
    runs = plan.study.list_runs()
    if executor.slots == 1:
        return runs
    from harness.running.share import sort_longest_first

    return sort_longest_first(runs, num_classes=len(plan.pixels.table.classes))
