"""`harness status`: show the progress of running, stopped and finished studies."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from harness.commands import options
from harness.errors import wrap_user_errors


def status(
    study: Annotated[
        list[str] | None,
        typer.Argument(help="Names of studies, aliases, or their start. Default: all, the newest first."),
    ] = None,
    tracking_uri: options.TrackingUri = None,
    json: options.Json = False,
) -> None:
    """Show the finished, failed and remaining cells of each study, its processes and the time left."""
    from harness.commands.options import open_tracker
    from harness.scheduling.cell_locks import CellLocks
    from harness.scheduling.status import load_study_status

    tracker = open_tracker(tracking_uri)
    with wrap_user_errors():
        tracker.check_readable()
        entries = map(tracker.find_study_entry, study) if study else tracker.list_studies()
        locks = CellLocks(tracker.uri)
        statuses = [load_study_status(entry, tracker, locks) for entry in dict.fromkeys(entries)]
    if json:
        print(json_module.dumps([study_status.to_dict() for study_status in statuses], indent=1))
    else:
        print(
            "\n".join(study_status.render_text() for study_status in statuses)
            or f"no study in {tracker.display_uri()} yet"
        )
