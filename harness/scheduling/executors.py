"""Open the executor of a planned study: this process, several processes, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.planning.execution import AUTO_ADDRESS, ExecutionOptions, choose_slots
from harness.planning.plan import StudyPlan
from studies.spec import RunSpec

if TYPE_CHECKING:
    from harness.scheduling.cell import CellContext
    from harness.scheduling.scheduler import Executor


@contextmanager
def open_executor(plan: StudyPlan, options: ExecutionOptions, context: CellContext) -> Iterator[Executor]:
    """Open the executor for the cells of a plan; its processes end with the `with` block.

    Raises:
        UserError: the cluster does not answer, or its nodes cannot reach the tracking store.
    """
    from harness.scheduling.job import build_job

    if options.executor == "ray":
        from harness.scheduling.ray_executor import RayExecutor

        job = build_job(plan, context, lock_scope=context.locks.scope)
        with RayExecutor(
            job, context, address=options.ray_address or AUTO_ADDRESS, max_cells=options.jobs
        ) as cluster:
            yield cluster
        return
    slots = choose_slots(plan, options)
    if slots == 1:
        from harness.scheduling.study_runner import InProcessExecutor

        yield InProcessExecutor(plan.study, plan.images_by_fingerprint, context)
        return
    from harness.planning.resources import list_gpus
    from harness.scheduling.process_executor import MultiProcessExecutor

    job = build_job(plan, context)
    gpu_ids = list_gpus() if plan.device.type == "cuda" else ()
    job = job if gpu_ids else replace(job, threads=max(1, job.threads // slots))
    with MultiProcessExecutor(job, slots=slots, gpus=gpu_ids, emit=context.emit) as workers:
        yield workers


def order_cells(plan: StudyPlan, executor: Executor) -> Sequence[RunSpec]:
    """Return the plan's cells in starting order: longest first if several run in parallel."""
    runs = plan.study.list_runs()
    if executor.slots == 1:
        return runs
    from harness.planning.resources import sort_longest_first

    return sort_longest_first(runs, num_classes=len(plan.pixels.table.classes))
