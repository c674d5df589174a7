"""`harness import`: add an exported study to the tracking store and write its report."""

from __future__ import annotations

import json as json_module
import re
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import options
from harness.errors import wrap_user_errors

if TYPE_CHECKING:
    from harness.archive.importer import ImportSummary

_RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")
_MAX_CELLS = 5


def import_(
    file: Annotated[Path, typer.Argument(help="Archive written by `harness export`.")],
    out: options.Out = Path("results"),
    tracking_uri: options.TrackingUri = None,
    json: options.Json = False,
) -> None:
    """Import an exported study into the tracking store, each cell once, and write its report.

    The whole archive is checked first. Cells that have finished in this store are reused. After an
    interruption the same command imports the missing cells.
    """
    with ExitStack() as stack:
        with wrap_user_errors():
            from harness.archive.reader import open_archive

            archive = stack.enter_context(open_archive(file))
            from harness.archive.importer import dry_run_report, import_study
            from harness.archive.members import REPORT_FOLDER
            from harness.commands.options import open_tracker
            from harness.output_folders import check_writable, name_report_folder
            from harness.scheduling.cell_locks import CellLocks
            from harness.tracking.study_summary import log_study_summary
            from harness.tracking.uri import check_store_writable
            from reports.document import build_document, write_document

            dry_run_report(archive)
            check_writable(out)
            tracker = open_tracker(tracking_uri)
            tracker.check_connection()
            check_store_writable(tracker.uri)
            locks = CellLocks(tracker.uri)
        tracker.retry_policy.notify = lambda message: print(message, file=sys.stderr)
        import_result = import_study(archive, tracker, locks)
        name = archive.study.name
        result, figures = tracker.load_study(name)
        document = build_document((result,), images=figures)
        report = write_document(document, out / name_report_folder([name], prefix=""), images=figures)
        if import_result.has_changes:
            log_study_summary(tracker, document.evaluations[0], report.parent)
        member = f"{REPORT_FOLDER}/{report.name}"
        exported_report = archive.members.read_bytes(member).decode() if member in archive.members else ""
    is_same = _remove_run_ids(report.read_text(encoding="utf-8")) == _remove_run_ids(exported_report)
    for line in _format_summary(import_result, name, is_same=is_same):
        print(line, file=sys.stderr)
    if archive.alias not in ("", result.alias):
        print(
            f"warning: the study was exported as {archive.alias}; here it is {result.alias or name}, because "
            "it has another alias or another study has this one (its command with --name changes it)",
            file=sys.stderr,
        )
    summary = {
        "study": name,
        "report": str(report),
        "imported": import_result.imported,
        "failed": import_result.failed,
        "reused": import_result.reused,
        "here": import_result.duplicates,
        "differing": import_result.conflicts,
        "weights_added": import_result.completed,
        "records_added": import_result.recorded,
        "report_as_exported": is_same,
    }
    print(json_module.dumps(summary, indent=1) if json else report)


def _remove_run_ids(report: str) -> str:
    """Return the report without run ids, which differ between tracking stores."""
    return _RUN_ID.sub("", report)


def _format_summary(import_result: ImportSummary, name: str, *, is_same: bool) -> list[str]:
    counts = {
        "imported": import_result.imported,
        "imported as failed": import_result.failed,
        "reused from other studies in this store": import_result.reused,
        "already in this store": import_result.duplicates,
    }
    summary = ", ".join(f"{len(keys)} {label}" for label, keys in counts.items() if keys) or "no cell"
    lines = [f"{name}: {summary}" + ("" if import_result.has_changes else "; nothing was changed")]
    if import_result.completed:
        lines.append(f"runs that got their weights from the archive: {len(import_result.completed)}")
    if import_result.recorded:
        lines.append(
            f"runs that got the record of their epochs from the archive: {len(import_result.recorded)}"
        )
    if import_result.conflicts:
        names = ", ".join(import_result.conflicts[:_MAX_CELLS])
        more = len(import_result.conflicts) - _MAX_CELLS
        lines.append(
            f"warning: the results of {names}{f' and {more} more' if more > 0 else ''} in this store differ "
            "from those in the archive; the report shows the results in this store"
        )
    if is_same:
        lines.append("the report equals the exported one except for run ids")
    else:
        lines.append("the report differs from the exported one: compare it with report/ in the archive")
    return lines
