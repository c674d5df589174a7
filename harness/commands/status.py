"""`harness status`: how far studies have come, while they run and after they died."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from harness.commands import options
from harness.errors import user_input


def status(
    study: Annotated[
        list[str] | None, typer.Argument(help="Studies by name. Default: all, the newest first.")
    ] = None,
    tracking_uri: options.TrackingUri = None,
    json: options.Json = False,
) -> None:
    """Cells done, failed and left of each study, who is at it, and the time it still takes."""
    from harness.running.claims import Claims
    from harness.running.status import status as status_of
    from harness.tracking.ledger import Ledger

    ledger = Ledger(tracking_uri)
    with user_input():
        ledger.check_reading()
        names = study or ledger.study_names()
        claims = Claims(ledger.uri)
        found = [status_of(name, ledger, claims) for name in dict.fromkeys(names)]
    if json:
        print(json_module.dumps([each.document() for each in found], indent=1))
    else:
        print("\n".join(each.in_words() for each in found) or f"no study on {ledger.shown()} yet")
