"""Python API: run a study from a `Request` and return its results and report.

Example::

    from harness.api import DataRequest, Request, run

    data = DataRequest(dataset="synthetic")
    request = Request(kind="comparison", data=data, user_networks=("net.py:tiny",))
    result, report = run(request)

A call restores torch's settings and random generators. The only environment variables that it sets are those
of MLflow and Ray for usage data, progress bars, printed addresses and retries, where they are unset. Only the
command line applies the settings of `harness.process_settings`. If other programs use the same CPU, set
GOMP_SPINCOUNT=2000 in the environment before importing torch, or call `configure_process`. Pass the login of
a tracking server in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from harness.closed_pipe import suppress_broken_pipe
from harness.data.loading import DataRequest
from harness.planning.disk_space import check_disk_space
from harness.planning.execution import ExecutionOptions
from harness.planning.plan import StudyPlan
from harness.planning.preregistration import has_cells, log_plan
from harness.planning.preview import StudyPreview, plan_studies
from harness.planning.request import Request
from harness.planning.time_estimate import TimeEstimate
from harness.planning.weight_rule import find_base_run_keys
from harness.progress import Event, format_duration
from harness.run_names import format_run_name
from harness.sample_figures import render_sample_figures
from harness.scheduling.cell import CellContext
from harness.scheduling.cell_locks import CellLocks
from harness.scheduling.executors import open_executor, order_cells
from harness.scheduling.live_progress import create_progress
from harness.scheduling.study_runner import run_study
from harness.tracking.study_index import check_alias
from harness.tracking.study_summary import log_study_summary
from harness.tracking.tracker import Tracker
from reports.document import ReportDocument, assemble_document, build_document, write_document
from studies.results import StudyResult

__all__ = [
    "DataRequest",
    "ExecutionOptions",
    "Request",
    "check_disk_space",
    "plan_studies",
    "run",
    "run_plan",
    "run_studies",
]


def run(
    request: Request,
    *,
    out: Path | str = "results",
    tracking_uri: str | None = None,
    execution: ExecutionOptions | None = None,
    name: str = "",
) -> tuple[StudyResult, Path]:
    """Run a study as `harness ablate` or `harness compare` does.

    Cells that finished before are not run again. Cells that fail are listed in the result's failures. `name`
    gives the study an alias, by which the commands find it.

    Returns:
        The results of the study, and the path of its report.

    Raises:
        ValueError: The request is invalid, another study has the alias, or the disk is too small.
        FileNotFoundError: A data set root or pretrained weights do not exist.
        harness.errors.StudyAborted: Nothing more can be written; finished cells are kept.
    """
    folder, tracker, execution = Path(out), Tracker(tracking_uri), execution or ExecutionOptions()
    if name:
        check_alias(name)
    previews = plan_studies(
        (request,), tracker=tracker, execution=execution, out=folder, with_estimates=False
    )
    tracker.check_alias_free(name, study_name=previews[0].plan.study.name)
    check_disk_space([preview.disk_need for preview in previews])
    console = Console(file=suppress_broken_pipe(sys.stderr))
    ((document, report),) = run_studies(
        previews, tracker=tracker, execution=execution, out=folder, console=console, alias=name
    )
    return document.evaluations[0].result, report


def run_studies(
    previews: Sequence[StudyPreview],
    *,
    tracker: Tracker,
    execution: ExecutionOptions,
    out: Path,
    console: Console,
    joint_report: str = "",
    command: str = "",
    alias: str = "",
) -> list[tuple[ReportDocument, Path]]:
    """Run planned studies, each followed by its report; return the reports and the paths of report.md.

    `joint_report` adds one report on all studies, in the folder of that name. `command` is the command
    line that runs the studies, for their record. `alias` is for the only study. Call `check_disk_space`
    before.

    Raises:
        harness.errors.StudyAborted: Nothing more can be written; finished cells are kept.
    """
    reports: list[tuple[ReportDocument, Path]] = []
    all_figures: dict[str, bytes] = {}
    for preview in previews:
        result, figures = run_plan(
            preview.plan,
            tracker=tracker,
            console=console,
            execution=execution,
            estimate=preview.estimate,
            command=command,
            alias=alias,
        )
        document = build_document((result,), images=figures)
        report = write_document(document, out / result.study.name, images=figures)
        log_study_summary(tracker, document.evaluations[0], report.parent)
        reports.append((document, report))
        all_figures |= figures
    if joint_report:
        evaluations = [document.evaluations[0] for document, _ in reports]
        joint_document = assemble_document(evaluations, images=all_figures)
        write_document(joint_document, out / joint_report, images=all_figures)
    return reports


def run_plan(
    plan: StudyPlan,
    *,
    tracker: Tracker,
    console: Console,
    execution: ExecutionOptions | None = None,
    estimate: TimeEstimate | None = None,
    command: str = "",
    alias: str = "",
) -> tuple[StudyResult, dict[str, bytes]]:
    """Run a planned study and record its sample figures.

    If cells run, their total time is recorded with the study and printed next to `estimate`. `command` is
    recorded as a command line that ran the study, and `alias` as its alias, unless it is "".

    Returns:
        The results of the study, and PNG bytes of its figures by "study/figure" name, as the report needs
        them.
    """
    execution = execution or ExecutionOptions()
    name, start = plan.study.name, time.perf_counter()
    locks = CellLocks(tracker.uri)
    figures = render_sample_figures(plan.pixels, plan.splits[0], plan.study)
    with locks.lock(name, wait=True):  # only one of several processes creates the study's MLflow run
        study_run_id = tracker.open_study(plan.study, commands=(command,) if command else (), alias=alias)
        if plan.analysis_plan:
            is_new = not has_cells(tracker, plan.study)
            log_plan(tracker, study_run_id, plan.analysis_plan, confirmatory=is_new)
        tracker.log_figures(study_run_id, figures)
    entry = tracker.find_study_entry(name)
    states = tracker.cell_states(plan.study) if execution.retry_failed else {}
    labels = [
        format_run_name(spec)
        for spec in plan.study.list_runs()
        if states.get(spec.key) == execution.pending_state
    ]
    try:
        with create_progress(console, entry.label, cells=labels) as progress:
            tracker.retry_policy.notify = lambda message: progress.handle(
                Event(kind="remark", message=message)
            )
            context = CellContext(
                tracker=tracker,
                locks=locks,
                study_run_id=study_run_id,
                device=plan.device,
                emit=progress.handle,
                retry_failed=execution.retry_failed,
                keep_weights=execution.weight_rule,
                system_metrics=execution.system_metrics,
                base_run_keys=find_base_run_keys(plan.study.list_runs()),
                epoch_record=plan.published_practice,
            )
            with open_executor(plan, execution, context) as executor:
                result = run_study(plan.study, executor, context, cells=order_cells(plan, executor))
                result = tracker.add_study_tags(result, parent=study_run_id)
    except KeyboardInterrupt:
        tracker.retry_policy.stop()
        with suppress(Exception):  # cells in other processes may have left their MLflow runs open
            tracker.close_orphaned_runs(study_run_id, lock_scope=locks.scope, is_locked=locks.is_locked)
        console.print(
            "\nstopped; finished cells are kept, and running cells up to their last checkpoints. "
            f"Run the same command to resume, or `harness report {entry.alias or name}` for a report on the "
            "finished cells",
            highlight=False,
            soft_wrap=True,
        )
        raise
    if progress.remaining.cell_seconds:  # at least one cell was run
        seconds = time.perf_counter() - start
        tracker.log_time(study_run_id, seconds, estimate=(estimate.low, estimate.high) if estimate else None)
        estimate_note = f"; estimated {estimate}" if estimate else ""
        console.print(f"took {format_duration(seconds)}{estimate_note}", highlight=False, soft_wrap=True)
    return result, {f"{name}/{figure_name}": png for figure_name, png in figures.items()}
