"""`harness export`: a study as one archive, to be imported elsewhere."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.errors import user_input


def export(
    study: Annotated[str | None, typer.Argument(help="Study by name. Default: the newest.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Archive to write, not there yet. Default: STUDY.zip.")
    ] = None,
    weights: Annotated[
        bool,
        typer.Option(
            "--weights",
            help="With the weights that runs have kept, which `harness predict` needs: up to 540 MB a run.",
        ),
    ] = False,
    tracking_uri: options.TrackingUri = None,
    json: options.Json = False,
) -> None:
    """Write runs, predictions, pictures and report of a study into one zip archive."""
    from harness.archive.exporting import export as written
    from harness.output import folder_of
    from harness.tracking.ledger import Ledger

    with user_input():
        ledger = Ledger(tracking_uri)
        ledger.check_reading()
        names = ledger.study_names()
        if study is None and not names:
            raise ValueError(
                f"no study on {ledger.shown()} yet; run `harness ablate` or `harness compare`, or name "
                "another place with --tracking-uri"
            )
        name = names[0] if study is None else study
        done = written(ledger, name, out or Path(f"{folder_of([name], called='')}.zip"), weights=weights)
    left = done.cells - done.finished - done.failed
    print(
        f"{done.study}: {done.finished} of {done.cells} cells finished"
        + (f", {done.failed} failed" if done.failed else "")
        + (f", {left} not run" if left else "")
        + (f"; weights of {done.with_weights} runs" if weights else "; without weights (--weights)"),
        file=sys.stderr,
    )
    document = {
        "study": done.study,
        "archive": str(done.path),
        "bytes": done.size,
        "sha256": done.sha256,
        "weights": weights,
        "finished": done.finished,
        "failed": done.failed,
        "cells": done.cells,
    }
    print(json_module.dumps(document, indent=1) if json else done.path)
