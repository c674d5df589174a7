"""Print the end of studies: scores and verdicts, the paths of the reports, and the next commands."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from harness.commands.study_plan import unwrap_single
from harness.commands.terminal import print_fields, print_paths, print_table, wrap

if TYPE_CHECKING:
    from harness.tracking.tracker import Tracker
    from reports.document import ReportDocument
    from studies.results import StudyResult


def print_end(
    reports: Sequence[tuple[ReportDocument, Path]],
    joint_report: Path | None,
    *,
    tracker: Tracker,
    console: Console,
    as_json: bool,
) -> None:
    """Print the outcome of each study, given its report and the path of report.md."""
    if as_json:
        documents = [_result_to_dict(document.evaluations[0].result, report) for document, report in reports]
        print(json.dumps(unwrap_single(documents), indent=1))
        return
    for number, (document, report) in enumerate(reports):
        if number:
            console.print()
        _print_study(document, report, console=console)
    if joint_report:
        print_paths(console, [("all", str(joint_report))])
    page = (joint_report or reports[-1][1]).with_suffix(".html")
    print_paths(console, _list_next_commands(page, tracker))


def _print_study(document: ReportDocument, report: Path, *, console: Console) -> None:
    """Print what the summary of a report on one study shows first: scores, verdicts, and what to run next."""
    from reports.blocks import Paragraph, flatten
    from reports.sections import build_synthetic_warning
    from reports.table import Statement, Summary
    from reports.tables.brief_published import build_brief_published_tables
    from reports.tables.brief_scores import build_brief_tables

    (evaluation,) = document.evaluations
    result = evaluation.result
    print_fields(console, [("study", result.study.name)])
    if result.alias:
        print_fields(console, [("alias", result.alias)])
    summary = next(block for block in flatten(document.blocks) if isinstance(block, Summary))
    if summary.progress:
        print_fields(console, [("runs", summary.progress.text)])
    for table in (*build_brief_tables(evaluation), *build_brief_published_tables(evaluation)):
        console.print()
        print_table(console, table)
    console.print()
    warnings = build_synthetic_warning((evaluation,))
    statements = (Statement(text=warning.text) for warning in warnings if isinstance(warning, Paragraph))
    for statement in (*statements, *summary.findings):
        for number, line in enumerate(wrap(statement.text, console, margin=2)):
            console.print(Text(f"{'  ' if number else '- '}{line}"), soft_wrap=True)
        if statement.code:
            console.print(Text(f"  {statement.code}"), soft_wrap=True)
    failures = [
        ("failed", f"{failure.spec.name} ({failure.spec.protocol}): {failure.text}")
        for failure in result.failures
    ]
    print_fields(console, failures)
    console.print()
    print_paths(console, [("report", str(report))])


def _list_next_commands(page: Path, tracker: Tracker) -> Iterator[tuple[str, str]]:
    """Yield the commands that open the page of a report, and MLflow, with their labels."""
    from harness.tracking.study_views import list_views
    from harness.tracking.uri import is_local

    opener = _find_opener()
    yield ("open", shlex.join((opener, str(page)))) if opener else ("page", str(page))
    if is_local(tracker.uri):
        yield "mlflow", f"{format_program()} ui{tracker.to_cli_option()}"
        yield "store", tracker.display_uri()
    else:
        yield "mlflow", f"{tracker.display_uri()}{list_views(tracker)[0].runs_path}"


def _find_opener() -> str:
    """Return the command that opens a file in the program of the desktop, or "" if there is none."""
    if sys.platform in ("darwin", "win32"):
        return {"darwin": "open", "win32": "start"}[sys.platform]
    return "xdg-open" if shutil.which("xdg-open") else ""


def format_program() -> str:
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
        "alias": result.alias or None,
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
