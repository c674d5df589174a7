"""`harness report`: write the report of finished studies again, from MLflow alone."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.errors import user_input


def report(
    study: Annotated[
        list[str] | None,
        typer.Argument(help="Studies by name, joined into one report. Default: the newest."),
    ] = None,
    tracking_uri: options.TrackingUri = None,
    out: options.Out = Path("results"),
    list_: Annotated[bool, typer.Option("--list", help="List the studies there are.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --list: one JSON document.")] = False,
) -> None:
    """Write the report of a study again, or one report of several."""
    from harness.memory import without_collector
    from harness.output import check_writable, folder_of
    from harness.tracking.ledger import Ledger
    from reports.document import write

    ledger = Ledger(tracking_uri)
    with user_input():
        if list_ and study:
            raise ValueError(f"--list takes no study; got {', '.join(study)}: leave one of the two out")
        if json and not list_:
            raise ValueError("--json goes with --list; got no --list: a report is written as markdown")
        ledger.check_reading()
        names = ledger.study_names()
        if list_:
            print(json_module.dumps(names, indent=1) if json else "\n".join(names) or "no study yet")
            return
        check_writable(out)
        chosen = study or names[:1]
        if not chosen:
            raise ValueError(
                f"no study on {ledger.shown()} yet; run `harness ablate` or `harness compare`, or name "
                "another place with --tracking-uri"
            )
        loaded = [ledger.load_study(name) for name in dict.fromkeys(chosen)]
    pictures = {key: png for _, drawn in loaded for key, png in drawn.items()}
    folder = folder_of([result.study.name for result, _ in loaded], called=f"{len(loaded)}-studies")
    with without_collector():
        print(write([result for result, _ in loaded], out / folder, pictures=pictures))
