"""Studies from Python: a request in, results and a report out.

from harness.api import DataRequest, Request, run

request = Request(kind="comparison", data=DataRequest(dataset="synthetic"), own=("net.py:tiny",))
result, report = run(request)

The settings of `harness.process` are the command line's alone. A caller that trains beside other programs on
a CPU sets GOMP_SPINCOUNT=2000 in its environment before it imports torch, or calls `configure_process`.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from harness.closed_pipe import without_broken_pipe
from harness.data.reading import DataRequest
from harness.disk import check_room, disk_need
from harness.estimate import Estimate
from harness.output import check_writable
from harness.pictures import pictures
from harness.plan import Plan, Request, prepare
from harness.progress import Event, clock, progress_for
from harness.running.cell import Desk
from harness.running.claims import Claims
from harness.running.executors import Running, executor_of, in_order
from harness.running.study import run_study
from harness.running.weights_kept import keys_read
from harness.tracking.analysis_plans import has_cells, is_confirmatory, log_plan
from harness.tracking.ledger import Ledger
from reports.document import write
from studies.results import StudyResult

__all__ = ["DataRequest", "Request", "Running", "carry_out", "run"]


def run(
    request: Request,
    *,
    out: Path | str = "results",
    tracking_uri: str | None = None,
    running: Running | None = None,
) -> tuple[StudyResult, Path]:
    """Run the study that `harness ablate` or `harness compare` would; its results and its report's path.

    Cells that have finished before are not run again; those that fail are among the result's failures.

    Raises:
        ValueError: a mistake in the request, as the command line would tell it, or a disk that is too small.
        FileNotFoundError: a root, or pretrained weights, that are not there.
        harness.errors.Stopped: nothing more can be written; what had finished is kept.
    """
    folder = Path(out)
    check_writable(folder)
    ledger = Ledger(tracking_uri)
    ledger.check_address()
    plan = prepare(request)
    ledger.check()
    running = running or Running()
    states = ledger.standing(plan.study)
    todo = [spec for spec in plan.study.runs() if states.get(spec.key) == running.runs]
    check_room([disk_need(plan, todo, ledger=ledger, running=running)])
    console = Console(file=without_broken_pipe(sys.stderr))
    result, drawn = carry_out(plan, ledger=ledger, console=console, running=running)
    return result, write((result,), folder / plan.study.name, pictures=drawn)


def carry_out(
    plan: Plan,
    *,
    ledger: Ledger,
    console: Console,
    running: Running | None = None,
    estimate: Estimate | None = None,
) -> tuple[StudyResult, dict[str, bytes]]:
    """Run the study and keep its pictures; both, the pictures by the names that a report wants.

    If cells are run, the time that they take is kept with the study and, beside the estimate, told.
    """
    running = running or Running()
    name, start = plan.study.name, time.perf_counter()
    claims = Claims(ledger.uri)
    drawn = pictures(plan.pixels, plan.splits[0], plan.study)
    with claims.taken(name, wait=True):  # of two processes that begin a study one makes its run
        parent = ledger.open_study(plan.study)
        if plan.analysis_plan:
            fresh = not has_cells(ledger, plan.study)
            log_plan(ledger, parent, plan.analysis_plan, confirmatory=fresh)
        ledger.keep_pictures(parent, drawn)
    try:
        with progress_for(console, name, cells=len(plan.study.runs())) as progress:
            ledger.patience.tell = lambda words: progress.tell(Event(kind="remark", words=words))
            desk = Desk(
                ledger=ledger,
                claims=claims,
                parent=parent,
                device=plan.device,
                tell=progress.tell,
                retries=running.retry_failed,
                keep_weights=running.weights,
                keys_read=keys_read(plan.study.runs()),
            )
            with executor_of(plan, running, desk) as executor:
                result = run_study(plan.study, executor, desk, cells=in_order(plan, executor))
                result = replace(
                    result, confirmatory=is_confirmatory(ledger.client.get_run(parent), plan.study)
                )
    except KeyboardInterrupt:
        ledger.patience.end()
        with suppress(Exception):  # what ran elsewhere may have left its run open
            ledger.bury(parent, place=claims.place, held=claims.held)
        console.print(
            "\nstopped; every cell that had finished is kept, and the running ones up to their last "
            f"checkpoints: the same command goes on from there, and `harness report {name}` reports what is "
            "done",
            highlight=False,
            soft_wrap=True,
        )
        raise
    if progress.remaining.seconds:  # a cell has run here
        seconds = time.perf_counter() - start
        ledger.log_time(parent, seconds, estimate=(estimate.low, estimate.high) if estimate else None)
        estimated = f"; estimated {estimate}" if estimate else ""
        console.print(f"took {clock(seconds)}{estimated}", highlight=False, soft_wrap=True)
    return result, {f"{name}/{key}": png for key, png in drawn.items()}
