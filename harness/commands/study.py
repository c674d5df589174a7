"""Plan, preview, run and report studies, for `ablate`, `compare` and `reproduce`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from harness.commands.study_end import print_end
from harness.commands.study_plan import print_dry_run, print_plans
from harness.errors import EXIT_FAILED, HarnessError, StudyAborted, UserError, wrap_user_errors

if TYPE_CHECKING:
    from harness.commands.options import Output
    from harness.planning.request import Request
    from harness.tracking.tracker import Tracker
    from studies.study import Study


MAX_UNCONFIRMED_CELLS = 2_000
"""Number of cells, finished ones included, that a command runs without asking.

Studies of the literature have fewer: 5 arms, 5 seeds and the 68 subjects of MEGC 2019 under loso are 1,700
cells. More are likelier a typing error, such as --seeds 1000. The estimated time has no limit: it depends on
the machine, and a batch job must not fail because its node is slow.
"""


def run_studies(
    requests: Sequence[Request],
    output: Output,
    *,
    alias: str = "",
    joint_name: str = "",
    save_plan: Path | None = None,
) -> None:
    """Plan the studies and print the plans, then run each study and write its report.

    A dry run (`output.dry_run`) ends after the plans. `save_plan` writes the analysis plan of the only study
    to that file and runs nothing. `alias` is the alias of the only study, "" for none. `joint_name` adds one
    report on all studies, in a folder whose name starts with it.
    """
    from harness.commands.command_line import format_command
    from harness.commands.options import open_tracker
    from harness.planning.request import outline_study
    from harness.tracking.study_index import check_alias

    console, out_console = Console(file=sys.stderr), Console(file=sys.stdout)
    is_dry = output.dry_run or save_plan is not None
    with wrap_user_errors():
        execution = output.to_execution_options()
        for request in requests:
            outline_study(request)  # reports a mistake in an option before more is imported
        if alias:
            check_alias(alias)
        from harness.planning.preview import make_plans, preview_plans

        tracker, out = open_tracker(output.tracking_uri), None if is_dry else output.out
        plans = make_plans(requests, tracker=tracker, execution=execution, out=out)
        if not (is_dry or output.yes):
            _confirm_size(sum(len(plan.study.list_runs()) for plan in plans))
        if alias:
            tracker.store.check_readable()
            tracker.index.check_alias_free(alias, study_name=plans[0].study.name)
        if console.is_terminal:
            console.print("timing the networks on this machine", style="dim")
        previews = preview_plans(plans, tracker=tracker, execution=execution, out=out)
    print_plans(previews, execution=execution, console=console, with_total=not output.dry_run)
    if save_plan:
        _save_plan(previews[0].plan.study, save_plan, tracker=tracker, as_json=output.json)
        return
    if output.dry_run:
        print_dry_run(previews, tracker=tracker, console=out_console, as_json=output.json)
        return
    from harness import api
    from harness.output_folders import name_report_folder

    names = [preview.plan.study.name for preview in previews]
    joint_folder = name_report_folder(names, prefix=joint_name) if joint_name else ""
    with wrap_user_errors():
        api.check_disk_space([preview.disk_need for preview in previews])
    reports = api.run_studies(
        previews,
        tracker=tracker,
        execution=execution,
        out=output.out,
        console=console,
        joint_report=joint_folder,
        command=format_command(sys.argv[1:]),
        alias=alias,
    )
    joint_report = output.out / joint_folder / "report.md" if joint_folder else None
    if console.is_terminal:
        console.print()
    print_end(reports, joint_report, tracker=tracker, console=out_console, as_json=output.json)
    if any(document.evaluations[0].result.failures for document, _ in reports):
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


def _save_plan(study: Study, path: Path, *, tracker: Tracker, as_json: bool) -> None:
    """Write the analysis plan of the study to `path` and print how to follow it."""
    from harness.planning.preregistration import has_cells
    from studies.analysis_plan import build_analysis_plan
    from studies.codec import to_data, to_json

    plan = build_analysis_plan(study)
    is_exploratory = tracker.store.exists() and has_cells(tracker, study)
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
