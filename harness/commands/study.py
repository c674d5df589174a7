"""Plan, preview, run and report studies, for `ablate`, `compare` and `reproduce`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from datasets.text import pluralize
from harness.errors import EXIT_FAILED, HarnessError, StudyAborted, UserError, wrap_user_errors

if TYPE_CHECKING:
    from harness.commands.options import Output
    from harness.planning.execution import ExecutionOptions
    from harness.planning.preview import StudyPreview
    from harness.planning.request import Request
    from harness.planning.time_estimate import TimeEstimate
    from harness.tracking.tracker import Tracker
    from studies.results import StudyResult
    from studies.study import Study


MAX_LINES = 5

MAX_UNCONFIRMED_CELLS = 2_000
"""Number of cells, finished ones included, that a command runs without asking.

Studies of the literature have fewer: 5 arms, 5 seeds and the 68 subjects of MEGC 2019 under loso are 1,700
cells. More are likelier a typing error, such as --seeds 1000. The estimated time has no limit: it depends on
the machine, and a batch job must not fail because its node is slow.
"""

NO_RUN_ID = "none"
"""Parent run id that matches no run, so that cells are found by key in any study."""


def run_studies(
    requests: Sequence[Request], output: Output, *, joint_name: str = "", save_plan: Path | None = None
) -> None:
    """Plan the studies and print the plans, then run each study and write its report.

    A dry run (`output.dry_run`) ends after the plans. `save_plan` writes the analysis plan of the only study
    to that file and runs nothing. `joint_name` adds one report on all studies, in a folder whose name starts
    with it.
    """
    from harness.commands.command_line import format_command
    from harness.commands.options import open_tracker
    from harness.planning.request import outline_study

    console = Console(file=sys.stderr)
    is_dry = output.dry_run or save_plan is not None
    with wrap_user_errors():
        execution = output.to_execution_options()
        for request in requests:
            outline_study(request)  # reports a mistake in an option before more is imported
        from harness.planning.preview import format_total, make_plans, preview_plans

        tracker, out = open_tracker(output.tracking_uri), None if is_dry else output.out
        plans = make_plans(requests, tracker=tracker, execution=execution, out=out)
        if not (is_dry or output.yes):
            _confirm_size(sum(len(plan.study.list_runs()) for plan in plans))
        previews = preview_plans(plans, tracker=tracker, execution=execution, out=out)
    printed_lines: set[str] = set()
    for preview in previews:
        _print_plan(
            preview,
            execution=execution,
            console=console,
            label=f"plan of {preview.plan.study.name}" if len(previews) > 1 else "plan",
        )
        _print_data_remarks(preview, console=console, printed_lines=printed_lines)
    if len(previews) > 1 and not output.dry_run:
        console.print(format_total(previews), highlight=False, soft_wrap=True)
    if save_plan:
        _save_plan(previews[0].plan.study, save_plan, tracker=tracker, as_json=output.json)
        return
    if output.dry_run:
        _print_dry_run(previews, tracker=tracker, as_json=output.json)
        return
    from harness import api
    from harness.output_folders import name_report_folder

    names = [preview.plan.study.name for preview in previews]
    joint_folder = name_report_folder(names, prefix=joint_name) if joint_name else ""
    with wrap_user_errors():
        api.check_disk_space([preview.disk_need for preview in previews])
    results_and_reports = api.run_studies(
        previews,
        tracker=tracker,
        execution=execution,
        out=output.out,
        console=console,
        joint_report=joint_folder,
        command=format_command(sys.argv[1:]),
    )
    joint_report = output.out / joint_folder / "report.md" if joint_folder else None
    _print_end(results_and_reports, joint_report, tracker=tracker, as_json=output.json)
    if any(result.failures for result, _ in results_and_reports):
        raise typer.Exit(EXIT_FAILED)


def _confirm_size(cell_count: int) -> None:
    """Ask on a terminal whether to run more than `MAX_UNCONFIRMED_CELLS` cells.

    Raises:
        UserError: There is no terminal to ask on.
        StudyAborted: The user does not confirm.
    """
    if cell_count <= MAX_UNCONFIRMED_CELLS:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError(
            f"more than {MAX_UNCONFIRMED_CELLS:,} cells run only with --yes; got {cell_count:,} cells: add "
            "--yes, or lower --seeds, --splits or the number of arms",
            code="cells.unconfirmed",
        )
    if not typer.confirm(f"Run {cell_count:,} cells (--dry-run estimates their time)?", err=True):
        raise StudyAborted("not confirmed, so nothing was run")


def _print_plan(preview: StudyPreview, *, execution: ExecutionOptions, console: Console, label: str) -> None:
    """Print the plan after `label`: cells to run, device, estimated time and disk need."""
    from harness.device import describe_device
    from harness.planning.execution import describe_execution
    from studies.presets import describe_purpose

    plan, pending_runs, estimate = preview.plan, preview.pending_runs, preview.estimate
    study = plan.study
    states = [preview.states.get(spec.key) for spec in study.list_runs()]
    finished_count, failed_count = states.count("done"), states.count("failed")
    summary = (
        f"{label}: {pluralize(len(pending_runs), 'cell')} to run"
        + (f", {len(preview.shared_keys)} shared with the studies before" if preview.shared_keys else "")
        + (f", {finished_count} reused" if finished_count else "")
        + (f", {failed_count} failed before (--retry-failed runs those)" if failed_count else "")
        + f" on {describe_device(plan.device)}, {describe_execution(plan, execution)}; "
        + f"{study.training.precision}; "
        + plan.engine_choice.reason
        + ("; deterministic algorithms" if study.training.deterministic else "")
        + f"; {pluralize(len(plan.pixels.table.samples), 'frame')} "
        f"(--frames {study.dataset.frame_policy}) at {study.dataset.image_size} px, "
        f"at most {pluralize(study.training.epochs, 'epoch')}"
        + (f"; {_format_estimate(estimate)}; {preview.disk_need.render_text()}" if pending_runs else "")
    )
    if plan.device.type == "cpu" and study.preset == "paper" and estimate and estimate.high > 3600:
        summary += " (no GPU: use --preset quick on a CPU)"
    console.print(summary, highlight=False, soft_wrap=True)
    if purpose := describe_purpose(study.preset):
        console.print(purpose, highlight=False, soft_wrap=True)


def _print_data_remarks(preview: StudyPreview, *, console: Console, printed_lines: set[str]) -> None:
    """Print the groups, warnings and anomalies of the data, without those of `printed_lines`.

    The lines are added to `printed_lines`, because several studies can use the same data.
    """
    from datasets.anomalies import format_anomaly
    from harness.data.description import describe_path_groups

    plan = preview.plan
    for text in describe_path_groups(plan.data_request, plan.pixels.table):
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    warnings = [
        f"warning: {split.protocol}, split {split.seed}, fold {split.fold}: {text}"
        for split in plan.splits
        for text in split.warnings
    ]
    anomalies = [f"anomaly: {format_anomaly(anomaly)}" for anomaly in plan.pixels.table.anomalies]
    for kind, all_lines in (("warnings", warnings), ("anomalies", anomalies)):
        lines = [line for line in all_lines if line not in printed_lines]
        printed_lines.update(lines)
        for line in lines[:MAX_LINES]:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        if len(lines) > MAX_LINES:
            console.print(f"and {len(lines) - MAX_LINES} more {kind}; the report lists them", highlight=False)


def _format_estimate(estimate: TimeEstimate | None) -> str:
    if estimate is None:
        return "no time estimate, because a network cannot be timed"
    return f"other processes use the cores; {estimate} on an idle machine" if estimate.busy else str(estimate)


def _save_plan(study: Study, path: Path, *, tracker: Tracker, as_json: bool) -> None:
    """Write the analysis plan of the study to `path` and print how to follow it."""
    from harness.planning.preregistration import has_cells
    from studies.analysis_plan import build_analysis_plan
    from studies.codec import to_data, to_json

    plan = build_analysis_plan(study)
    is_exploratory = tracker.exists() and has_cells(tracker, study)
    with wrap_user_errors():
        if path.exists():
            raise HarnessError(
                "saved-plan.exists", f"--save-plan never overwrites a file; {path} exists: name another file"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(plan, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print(
            json.dumps(
                {"plan": to_data(plan), "digest": plan.digest, "exploratory": is_exploratory}, indent=1
            )
        )
        return
    print(f"plan    {path}   (digest {plan.digest})")
    if is_exploratory:
        print("warning: this study already has cells, so its verdicts stay exploratory")
    print(f"next    run the same command with --plan {path} instead of --save-plan")


def _print_dry_run(previews: Sequence[StudyPreview], *, tracker: Tracker, as_json: bool) -> None:
    from harness.planning.preview import format_total

    documents = [_preview_to_dict(preview, tracker=tracker) for preview in previews]
    if as_json:
        print(json.dumps(_unwrap_single(documents), indent=1))
        return
    for document, preview in zip(documents, previews, strict=True):
        print(f"study {document['study']}")
        for cell in document["cells"]:
            state = "" if cell["state"] == "waiting" else f"  ({cell['state']})"
            print(f"  {cell['key']}  {cell['cell']}{state}")
        print(*document["power"], sep="\n")
        print(*document["leakage"], sep="\n")
        print(preview.disk_need.render_text())
    if len(previews) > 1:
        print(format_total(previews))


def _preview_to_dict(preview: StudyPreview, *, tracker: Tracker) -> dict[str, Any]:
    """Return the JSON document of a dry run: cells, time, statistical power, leakage and disk need."""
    from harness.data.leak_check import describe_protocol_leakage
    from harness.planning.power_analysis import describe_power
    from harness.run_names import format_run_name
    from reports.noise import measure_noise
    from reports.outcomes import evaluate_study

    plan, states, estimate = preview.plan, preview.states, preview.estimate
    past_outcomes = (
        evaluate_study(tracker.collect_results(plan.study, parent=NO_RUN_ID))
        if "done" in states.values()
        else None
    )

    return {
        "study": plan.study.name,
        "cells": [
            {
                "key": spec.key,
                "cell": format_run_name(spec),
                "state": "shared" if spec.key in preview.shared_keys else states.get(spec.key, "waiting"),
                "done": states.get(spec.key) == "done",
            }
            for spec in plan.study.list_runs()
        ],
        "estimate": estimate
        and {"seconds_low": estimate.low, "seconds_high": estimate.high, "busy": estimate.busy},
        "power": [
            describe_power(plan, protocol, measure_noise(past_outcomes, protocol) if past_outcomes else None)
            for protocol in plan.study.protocols
        ],
        "leakage": [
            describe_protocol_leakage(plan.pixels.table, plan.splits, protocol)
            for protocol in plan.study.protocols
        ],
        "disk": preview.disk_need.to_dict(),
    }


def _print_end(
    results_and_reports: Sequence[tuple[StudyResult, Path]],
    joint_report: Path | None,
    *,
    tracker: Tracker,
    as_json: bool,
) -> None:
    from harness.tracking.study_views import list_views
    from harness.tracking.uri import is_local

    if as_json:
        print(
            json.dumps(
                _unwrap_single([_result_to_dict(result, report) for result, report in results_and_reports]),
                indent=1,
            )
        )
        return
    for result, report in results_and_reports:
        print(f"study   {result.study.name}")
        for failure in result.failures:
            print(f"failed  {failure.spec.name} ({failure.spec.protocol}): {failure.text}")
        print(f"report  {report}")
        print(f"page    {report.with_suffix('.html')}")
    if joint_report:
        print(f"\nall     {joint_report}")
    if not is_local(tracker.uri):
        print(f"runs    {tracker.display_uri()}{list_views(tracker)[0].runs_path}   (MLflow)")
        return
    print(f"runs    {_format_program()} ui{tracker.to_cli_option()}   (MLflow, {tracker.display_uri()})")


def _format_program() -> str:
    """Return the command that starts this program: `harness`, or how it was started if PATH lacks it."""
    if shutil.which("harness"):
        return "harness"
    return "python -m harness" if Path(sys.argv[0]).name == "__main__.py" else sys.argv[0]


def _result_to_dict(result: StudyResult, report: Path) -> dict[str, Any]:
    """Return the JSON document of a finished study: its cells with their metrics, and its failures."""
    from harness.tracking.result_files import compute_final_metrics
    from studies.codec import to_data

    return {
        "study": result.study.name,
        "report": str(report),
        "cells": [
            {
                "key": run_result.spec.key,
                "spec": to_data(run_result.spec),
                "metrics": compute_final_metrics(run_result),
                "leakage": to_data(run_result.leakage),
            }
            for run_result in result.results
        ],
        "failures": [
            {
                "key": failure.spec.key,
                "reason": failure.reason,
                "traceback_run_id": failure.traceback_run_id or None,
            }
            for failure in result.failures
        ],
    }


def _unwrap_single(documents: list[dict[str, Any]]) -> dict[str, Any] | list[dict[str, Any]]:
    """Return the only document, or the list if there are several."""
    return documents[0] if len(documents) == 1 else documents
