"""`harness import`: an exported study onto this ledger, and its report."""

from __future__ import annotations

import json as json_module
import re
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import options
from harness.errors import user_input

if TYPE_CHECKING:
    from harness.archive.importing import Entered

_RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")
_SHOWN = 5


def import_(
    file: Annotated[Path, typer.Argument(help="An archive that `harness export` has written.")],
    out: options.Out = Path("results"),
    tracking_uri: options.TrackingUri = None,
    json: options.Json = False,
) -> None:
    """Enter an exported study on this ledger, each cell once, and write its report.

    The whole archive is checked first. Cells that have finished here are reused; what a kill left out the
    same command enters.
    """
    with ExitStack() as held:
        with user_input():
            from harness.archive.reading import opened

            archive = held.enter_context(opened(file))
            from harness.archive.importing import enter, rehearse
            from harness.archive.members import REPORT
            from harness.output import check_writable, folder_of
            from harness.running.claims import Claims
            from harness.tracking.ledger import Ledger
            from reports.document import write

            rehearse(archive)
            check_writable(out)
            ledger = Ledger(tracking_uri)
            ledger.check()
            claims = Claims(ledger.uri)
        ledger.patience.tell = lambda words: print(words, file=sys.stderr)
        entered = enter(archive, ledger, claims)
        name = archive.study.name
        result, drawn = ledger.load_study(name)
        report = write((result,), out / folder_of([name], called=""), pictures=drawn)
        there = f"{REPORT}/{report.name}"
        exported = archive.members.read(there).decode() if there in archive.members else ""
    same = _nameless(report.read_text(encoding="utf-8")) == _nameless(exported)
    for line in _in_words(entered, name, same=same):
        print(line, file=sys.stderr)
    document = {"study": name, "report": str(report), **asdict(entered), "report_as_exported": same}
    print(json_module.dumps(document, indent=1) if json else report)


def _nameless(report: str) -> str:
    """A report without the ids of runs, which are each ledger's own."""
    return _RUN_ID.sub("", report)


def _in_words(entered: Entered, name: str, *, same: bool) -> list[str]:
    counts = {
        "imported": entered.imported,
        "imported as failed": entered.failed,
        "reused from other studies here": entered.reused,
        "here already": entered.here,
    }
    told = ", ".join(f"{len(keys)} {what}" for what, keys in counts.items() if keys) or "no cell"
    lines = [f"{name}: {told}" + ("" if entered.changed else "; nothing was changed")]
    if entered.differing:
        shown = ", ".join(entered.differing[:_SHOWN])
        more = len(entered.differing) - _SHOWN
        lines.append(
            f"warning: {shown}{f' and {more} more' if more > 0 else ''} ended otherwise here than in the "
            "archive; the report shows how they ended here"
        )
    if same:
        lines.append("the report is the exported one, but for the ids of runs")
    else:
        lines.append(
            "the report is not the exported one to the letter: compare it with report/ in the archive"
        )
    return lines
