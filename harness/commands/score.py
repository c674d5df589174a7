"""`harness score`: say what predictions and the numbers about them are."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import options
from harness.errors import HarnessError, wrap_user_errors

if TYPE_CHECKING:
    from studies.prediction_files.table import PredictionTable


def score(
    file: Annotated[
        list[str],
        typer.Argument(
            help="File of predictions: an MEGC log, a log of lists by subject, or a CSV. Or recorded "
            "predictions: STUDY, STUDY:ARM:PROTOCOL, or the id of a run; the start of a name or id suffices. "
            "Two give their paired difference."
        ),
    ],
    truth: Annotated[
        Path | None,
        typer.Option(help="The challenge's list of labels: set,subject,clip,label without a header."),
    ] = None,
    claimed: Annotated[
        list[str] | None,
        typer.Option(
            "--claimed",
            help="Printed value to check, such as UF1=.7353 or casme2:UAR=.8190. Repeatable, or separated by "
            "commas.",
        ),
    ] = None,
    tracking_uri: options.TrackingUri = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for score.md and score.json. Default: write no file.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Score predictions from logs, CSV files or runs, and tell which metric a printed number is.

    The intervals are over subjects and hold for these predictions, not for other trainings.
    """
    from datasets.megc2019.truth_list import read_truth_list
    from harness.commands.choices import parse_list
    from harness.output_folders import check_writable
    from reports.score_document import build_score_data, render_scores, write_scores
    from studies.scoring.claims import parse_claims
    from studies.scoring.scored_table import compare_tables, score_table

    with wrap_user_errors():
        claims = parse_claims(parse_list(claimed))
        truth_list = read_truth_list(truth) if truth else None
        tables = [table for name in file for table in _load_tables(name, tracking_uri)]
        if claims and len(tables) > 1:
            raise HarnessError(
                "claimed.several-files",
                f"--claimed is about the predictions of one training; got {len(tables)}: name one of them",
            )
        scored_tables = [score_table(table, truth_list=truth_list, claims=claims) for table in tables]
        difference = compare_tables(tables[0], tables[1]) if len(tables) == 2 else None
        if out:
            check_writable(out)
    text = render_scores(scored_tables, difference)
    if json:
        print(json_module.dumps(build_score_data(scored_tables, difference), indent=1))
    else:
        print(text)
    if out:
        print(write_scores(scored_tables, difference, out), file=sys.stderr if json else sys.stdout)


def _load_tables(name: str, tracking_uri: str | None) -> tuple[PredictionTable, ...]:
    """Return the predictions of a file; of a run or study if there is no such file."""
    # Names of studies and runs have no point and no slash, so a mistyped file name does not open the store.
    is_file_name = "." in name.partition(":")[0] or "/" in name or not name.strip()
    if is_file_name or Path(name).exists():
        from studies.prediction_files.reader import read_predictions

        return (read_predictions(Path(name)),)
    from harness.commands.options import open_tracker
    from harness.tracking.prediction_tables import load_prediction_tables

    tracker = open_tracker(tracking_uri)
    tracker.check_readable()
    return load_prediction_tables(tracker, name)
