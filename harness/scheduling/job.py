"""Jobs: a study as it is sent to another process, which loads or prepares the data and runs cells."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache

import torch

from architectures.spec import ArchitectureSpec
from datasets.spec import SampleTable, Split
from harness.data.loading import DataRequest, load_images, load_table
from harness.device import resolve_device
from harness.errors import HarnessError
from harness.flop_count import count_cost
from harness.planning.plan import StudyPlan
from harness.planning.weight_rule import WeightRule, find_base_run_keys
from harness.progress import Event, EventSink
from harness.runs.run_inputs import RunInputs, RunInputsCache, StudyImages
from harness.scheduling.cell import CellContext, CellOutcome, run_cell
from harness.scheduling.cell_locks import CellLocks
from harness.tracking.tracker import Tracker
from studies.cost import Cost
from studies.spec import RunSpec
from studies.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A planned study, and how and where to run its cells.

    Attributes:
        study: the study.
        data: the request for the data, with which a machine that has them elsewhere finds them.
        table: the sample table that the driver has read.
        splits: the splits of the study, by fingerprint of the images.
        study_run_id: the id of the run of the study itself.
        tracking_uri: the tracking store for the results.
        device: the type of device.
        threads: CPU threads of a cell.
        exclusive_threads: CPU threads of a cell that runs alone (see `RunSpec.is_exclusive`).
        retry_failed: run cells again that have failed before.
        keep_weights: the rule for which weights are kept.
        costs: the costs of the networks, so that processes need not count them again.
        lock_scope: the scope of the locks that the driver holds on the cells; "" if the processes that run
            the cells lock them.
        system_metrics: log system metrics while a cell runs.
        epoch_record: keep a record of the epochs of each arm's runs.
    """

    study: Study
    data: DataRequest
    table: SampleTable = field(compare=False, repr=False)
    splits: Mapping[str, tuple[Split, ...]] = field(compare=False, repr=False)
    study_run_id: str
    tracking_uri: str
    device: str
    threads: int
    exclusive_threads: int
    retry_failed: bool
    keep_weights: WeightRule
    costs: tuple[tuple[ArchitectureSpec, Cost], ...]
    lock_scope: str = ""
    system_metrics: bool = False
    epoch_record: bool = False


def build_job(plan: StudyPlan, context: CellContext, *, lock_scope: str = "") -> Job:
    """Build the job of a planned study."""
    return Job(
        study=plan.study,
        data=replace(plan.data_request, root=plan.data_request.root and plan.data_request.root.resolve()),
        table=plan.table,
        splits={fingerprint: images.splits for fingerprint, images in plan.images_by_fingerprint.items()},
        study_run_id=context.study_run_id,
        tracking_uri=context.tracker.uri,
        device=plan.device.type,
        threads=torch.get_num_threads(),
        exclusive_threads=torch.get_num_threads(),
        retry_failed=context.retry_failed,
        keep_weights=context.keep_weights,
        system_metrics=context.system_metrics,
        epoch_record=context.epoch_record,
        costs=tuple(_count_costs(plan)),
        lock_scope=lock_scope,
    )


def _count_costs(plan: StudyPlan) -> Iterator[tuple[ArchitectureSpec, Cost]]:
    classes, size = len(plan.pixels.table.classes), plan.study.dataset.image_size
    for spec in dict.fromkeys(run.architecture for run in plan.study.list_runs()):
        with suppress(Exception):  # the cell reports why its network cannot be built
            yield spec, count_cost(spec, num_classes=classes, image_size=size)


def run_job_cell(job: Job, spec: RunSpec, emit: EventSink) -> CellOutcome:
    """Run one cell of a job in this process; the opened store and data are cached for the next cell.

    Raises:
        StudyAborted: results can no longer be written.
    """
    torch.set_num_threads(job.exclusive_threads if spec.is_exclusive else job.threads)
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
        system_metrics=job.system_metrics,
        epoch_record=job.epoch_record,
        base_run_keys=find_base_run_keys(job.study.list_runs()),
    )

    @cache
    def build_cache() -> RunInputsCache:
        # Called when the first cell runs, so that an error is recorded as that cell's failure.
        return RunInputsCache(job.study, _load_images(job), device=device, costs=dict(job.costs))

    return context, lambda spec: build_cache().get(spec)


def _load_images(job: Job) -> dict[str, StudyImages]:
    """Load the job's images by fingerprint, from this machine's cache or from the data set.

    Raises:
        HarnessError: the data set is missing or differs from that of the plan.
        OSError: an image file is missing.
    """
    study = job.study
    has_drivers_files = os.path.exists(job.table.samples[0].path)
    table = job.table if has_drivers_files else load_table(job.data, study.dataset)[1]
    datasets = {
        study.fingerprint: study.dataset,
        study.onset_fingerprint: study.dataset.as_onset(),
    }
    images_by_fingerprint = {}
    for fingerprint, splits in job.splits.items():
        pixels = load_images(datasets[fingerprint], table)
        if pixels.fingerprint != fingerprint:
            raise HarnessError(
                "worker-data.different",
                f"the data on {socket.gethostname()} differ from those of the study's plan (fingerprint "
                f"{pixels.fingerprint[:8]}, not {fingerprint[:8]}): copy them again, or share one folder",
            )
        images_by_fingerprint[fingerprint] = StudyImages(pixels=pixels, splits=splits)
    return images_by_fingerprint
