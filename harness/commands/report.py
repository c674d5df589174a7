"""`harness report`: write the report, its LaTeX, or the predictions of recorded studies from the store."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.choices import choice_option
from harness.errors import HarnessError, wrap_user_errors

FORMATS = ("report", "latex", "megc")


def report(
    study: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of studies, aliases, or their start; several give one joint report. Default: the "
            "newest study."
        ),
    ] = None,
    tracking_uri: options.TrackingUri = None,
    out: options.Out = Path("results"),
    format_: Annotated[
        str,
        choice_option(
            "--format",
            "--format",
            help="report (report.md, report.html, report.json), latex (booktabs tables, figures as PDF), or "
            "megc: the predictions as MEGC logs, which `harness score` reads.",
        ),
    ] = "report",
    list_: Annotated[bool, typer.Option("--list", help="List the recorded studies.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --list: print one JSON document.")] = False,
) -> None:
    """Write the report of a study again, or one joint report of several studies."""
    from harness.commands.options import open_tracker
    from harness.output_folders import check_writable, name_report_folder
    from harness.process_settings import disable_gc
    from reports.document import write_report
    from reports.latex import write_latex
    from reports.training_predictions import write_megc_logs

    tracker = open_tracker(tracking_uri)
    with wrap_user_errors():
        if list_ and study:
            raise HarnessError(
                "report-list.with-study",
                f"--list takes no study; got {', '.join(study)}: leave out one of the two",
            )
        if json and not list_:
            raise HarnessError(
                "report-json.without-list",
                "--json needs --list; got no --list: leave --json out, because a report is always written as "
                "report.md and report.json",
            )
        tracker.check_readable()
        if list_:
            entries = tracker.list_studies()
            names, labels = [entry.name for entry in entries], [entry.label for entry in entries]
            print(json_module.dumps(names, indent=1) if json else "\n".join(labels) or "no study yet")
            return
        check_writable(out)
        entries = [tracker.find_study_entry(name) for name in study or [tracker.get_newest_study_name()]]
        studies = [tracker.load_study(entry.name) for entry in dict.fromkeys(entries)]
        if format_ == "megc":
            for result, _ in studies:
                paths = write_megc_logs(result, out / name_report_folder([result.study.name], prefix=""))
                print(*paths, sep="\n")
            return
    all_figures = {figure_name: png for _, figures in studies for figure_name, png in figures.items()}
    folder = name_report_folder(
        [result.study.name for result, _ in studies], prefix=f"{len(studies)}-studies"
    )
    results = [result for result, _ in studies]
    with disable_gc():
        if format_ == "latex":
            print(write_latex(results, out / folder / "latex", images=all_figures))
        else:
            print(write_report(results, out / folder, images=all_figures))
