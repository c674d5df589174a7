"""A study as a process elsewhere is told of it: enough to find or make its data there and run its cells."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import torch

from architectures.spec import ArchitectureSpec
from datasets.pixels.cache import ImageArray
from harness.cost import count_cost
from harness.data.reading import DataRequest, load_images, load_table
from harness.device import resolve_device
from harness.plan import StudyPlan
from harness.progress import Event, EventSink
from harness.running.cell import CellContext, CellOutcome, run_cell
from harness.running.claims import CellLocks
from harness.running.executors import WeightRule
from harness.running.material import RunInputsCache
from harness.running.schedule import is_exclusive
from harness.running.weights_kept import find_base_run_keys
from harness.tracking.ledger import Tracker
from harness.training.run import RunInputs
from studies.cost import Cost
from studies.spec import RunSpec, Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A study, its data as asked for, where its results go, and with how many threads a CPU is used.

    `threads` is how many a cell has, `alone` how many one has beside which nothing runs.
    `costs` are those of its networks, which each process would otherwise count again.
    `place` is that of the claims which whoever tells of the job holds on each cell; "" where those who run
    the cells claim them.
    """

    study: Study
    data: DataRequest
    study_run_id: str
    tracking_uri: str
    device: str
    threads: int
    exclusive_threads: int
    retry_failed: bool
    keep_weights: WeightRule
    costs: tuple[tuple[ArchitectureSpec, Cost], ...]
    lock_scope: str = ""


def build_job(plan: StudyPlan, context: CellContext, *, lock_scope: str = "") -> Job:
    """The planned study as a job."""
    return Job(
        study=plan.study,
        data=replace(plan.data_request, root=plan.data_request.root and plan.data_request.root.resolve()),
        study_run_id=context.study_run_id,
        tracking_uri=context.tracker.uri,
        device=plan.device.type,
        threads=torch.get_num_threads(),
        exclusive_threads=torch.get_num_threads(),
        retry_failed=context.retry_failed,
        keep_weights=context.keep_weights,
        costs=tuple(_costs(plan)),
        lock_scope=lock_scope,
    )


def _costs(plan: StudyPlan) -> Iterator[tuple[ArchitectureSpec, Cost]]:
    classes, size = len(plan.pixels.table.classes), plan.study.dataset.image_size
    for spec in dict.fromkeys(run.architecture for run in plan.study.list_runs()):
        with suppress(Exception):  # the cell itself reports why its network cannot be built
            yield spec, count_cost(spec, num_classes=classes, image_size=size)


def run_job_cell(job: Job, spec: RunSpec, emit: EventSink) -> CellOutcome:
    """Run one cell of a job in this process, which keeps what it has opened for the next.

    Raises:
        Stopped: nothing more can be written.
    """
    torch.set_num_threads(job.exclusive_threads if is_exclusive(spec) else job.threads)
    context, load_inputs = _open_job(job)
    context.tracker.retry_policy.notify = lambda message: emit(Event(kind="remark", message=message))
    return run_cell(spec, replace(context, emit=emit), lambda: load_inputs(spec))


@cache
def _open_job(job: Job) -> tuple[CellContext, Callable[[RunSpec], RunInputs]]:
    tracker, device = Tracker(job.tracking_uri), resolve_device(job.device)
    context = CellContext(
        tracker=tracker,
        locks=CellLocks(job.tracking_uri, driver_scope=job.lock_scope),
        study_run_id=job.study_run_id,
        device=device,
        emit=lambda _: None,
        retry_failed=job.retry_failed,
        keep_weights=job.keep_weights,
        base_run_keys=find_base_run_keys(job.study.list_runs()),
    )

    @cache
    def build_cache() -> RunInputsCache:
        # When a first cell is run, and so within what writes a failure down.
        return RunInputsCache(job.study, _load_pixels(job), device=device, costs=dict(job.costs))

    return context, lambda spec: build_cache().get(spec)


def _load_pixels(job: Job) -> dict[str, ImageArray]:
    """The job's images by fingerprint, from this machine's cache or made now.

    Raises:
        ValueError: the data are not there, or are not those that the study was planned with.
    """
    study = job.study
    _, table = load_table(job.data, study.dataset)
    dataset_specs = {study.fingerprint: study.dataset}
    if study.onset_fingerprint:
        dataset_specs[study.onset_fingerprint] = replace(study.dataset, representation="onset")
    pixels_by_fingerprint = {
        fingerprint: load_images(dataset, table) for fingerprint, dataset in dataset_specs.items()
    }
    for fingerprint, pixels in pixels_by_fingerprint.items():
        if pixels.fingerprint != fingerprint:
            raise ValueError(
                f"the data on {socket.gethostname()} at {job.data.root} are not those that the study was "
                f"planned with ({pixels.fingerprint[:8]}, not {fingerprint[:8]}): copy them "
                "anew, or share one folder"
            )
    return pixels_by_fingerprint
