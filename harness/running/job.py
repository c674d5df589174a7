"""A study as a process elsewhere is told of it: enough to find or make its data there and run its cells."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import torch

from architectures.spec import ArchitectureSpec
from datasets.pixels.cache import Pixels
from harness.cost import count
from harness.data.reading import DataRequest, decoded, read
from harness.device import resolve
from harness.plan import Plan
from harness.progress import Event, Tell
from harness.running.cell import Desk, Outcome, carry
from harness.running.claims import Claims
from harness.running.executors import KeepWeights
from harness.running.material import Materials
from harness.running.schedule import runs_alone
from harness.running.weights_kept import keys_read
from harness.tracking.ledger import Ledger
from harness.training.run import Material
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
    parent: str
    tracking_uri: str
    device: str
    threads: int
    alone: int
    retries: bool
    keep_weights: KeepWeights
    costs: tuple[tuple[ArchitectureSpec, Cost], ...]
    place: str = ""


def job_of(plan: Plan, desk: Desk, *, place: str = "") -> Job:
    """The planned study as a job."""
    return Job(
        study=plan.study,
        data=replace(plan.request, root=plan.request.root and plan.request.root.resolve()),
        parent=desk.parent,
        tracking_uri=desk.ledger.uri,
        device=plan.device.type,
        threads=torch.get_num_threads(),
        alone=torch.get_num_threads(),
        retries=desk.retries,
        keep_weights=desk.keep_weights,
        costs=tuple(_costs(plan)),
        place=place,
    )


def _costs(plan: Plan) -> Iterator[tuple[ArchitectureSpec, Cost]]:
    classes, size = len(plan.pixels.table.classes), plan.study.dataset.image_size
    for spec in dict.fromkeys(run.architecture for run in plan.study.runs()):
        with suppress(Exception):  # the cell itself reports why its network cannot be built
            yield spec, count(spec, classes=classes, image_size=size)


def work(job: Job, spec: RunSpec, tell: Tell) -> Outcome:
    """Run one cell of a job in this process, which keeps what it has opened for the next.

    Raises:
        Stopped: nothing more can be written.
    """
    torch.set_num_threads(job.alone if runs_alone(spec) else job.threads)
    desk, material = _opened(job)
    desk.ledger.patience.tell = lambda words: tell(Event(kind="remark", words=words))
    return carry(spec, replace(desk, tell=tell), lambda: material(spec))


@cache
def _opened(job: Job) -> tuple[Desk, Callable[[RunSpec], Material]]:
    ledger, device = Ledger(job.tracking_uri), resolve(job.device)
    desk = Desk(
        ledger=ledger,
        claims=Claims(job.tracking_uri, on_behalf_of=job.place),
        parent=job.parent,
        device=device,
        tell=lambda _: None,
        retries=job.retries,
        keep_weights=job.keep_weights,
        keys_read=keys_read(job.study.runs()),
    )

    @cache
    def materials() -> Materials:
        # When a first cell is run, and so within what writes a failure down.
        return Materials(job.study, _found(job), device=device, costs=dict(job.costs))

    return desk, lambda spec: materials().of(spec)


def _found(job: Job) -> dict[str, Pixels]:
    """The job's images by fingerprint, from this machine's cache or made now.

    Raises:
        ValueError: the data are not there, or are not those that the study was planned with.
    """
    study = job.study
    _, table = read(job.data, study.dataset)
    wanted = {study.fingerprint: study.dataset}
    if study.onset_fingerprint:
        wanted[study.onset_fingerprint] = replace(study.dataset, representation="onset")
    found = {fingerprint: decoded(spec, table) for fingerprint, spec in wanted.items()}
    for fingerprint, pixels in found.items():
        if pixels.fingerprint != fingerprint:
            raise ValueError(
                f"the data on {socket.gethostname()} at {job.data.root} are not those that the study was "
                f"planned with ({pixels.fingerprint[:8]}, not {fingerprint[:8]}): copy them "
                "anew, or share one folder"
            )
    return found
