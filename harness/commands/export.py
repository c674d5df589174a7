"""`harness export`: write a study to one archive, for `harness import` on another machine."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

import typer

from datasets.text import pluralize
from harness.commands import options
from harness.errors import wrap_user_errors


def export(
    study: Annotated[
        str | None, typer.Argument(help="Name of a study, alias, or its start. Default: the newest.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Archive to write; must not exist yet. Default: STUDY.zip.")
    ] = None,
    weights: Annotated[
        bool,
        typer.Option(
            "--weights",
            help="Include the stored weights, which `harness predict` needs: up to 540 MB per run.",
        ),
    ] = False,
    tracking_uri: options.TrackingUri = None,
    json: options.Json = False,
) -> None:
    """Write the runs, predictions, figures and report of a study to one zip archive."""
    from harness.archive.exporter import export_study
    from harness.commands.options import open_tracker
    from harness.output_folders import name_report_folder

    with wrap_user_errors():
        tracker = open_tracker(tracking_uri)
        tracker.check_readable()
        name = tracker.get_newest_study_name() if study is None else tracker.find_study_entry(study).name
        result = export_study(
            tracker,
            name,
            out or Path(f"{name_report_folder([name], prefix='')}.zip"),
            include_weights=weights,
        )
    cells_left = result.cell_count - result.finished_count - result.failed_count
    print(
        f"{result.study_name}: {result.finished_count} of {pluralize(result.cell_count, 'cell')} finished"
        + (f", {result.failed_count} failed" if result.failed_count else "")
        + (f", {cells_left} not run" if cells_left else "")
        + (
            f"; weights of {pluralize(result.weights_count, 'run')}"
            if weights
            else "; without weights (--weights includes them)"
        ),
        file=sys.stderr,
    )
    document = {
        "study": result.study_name,
        "archive": str(result.path),
        "bytes": result.size,
        "sha256": result.sha256,
        "weights": weights,
        "finished": result.finished_count,
        "failed": result.failed_count,
        "cells": result.cell_count,
    }
    print(json_module.dumps(document, indent=1) if json else result.path)
