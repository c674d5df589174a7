"""`harness ui`: the MLflow web interface on the ledger of this folder."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import options
from harness.errors import user_input


def ui(
    tracking_uri: options.TrackingUri = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5000,
) -> None:
    """Open the MLflow web interface on the recorded studies; Ctrl-C ends it."""
    import subprocess
    import sys

    from harness.tracking import Ledger

    ledger = Ledger(tracking_uri)
    with user_input():
        if ledger.uri.startswith(("http://", "https://")):
            raise ValueError(f"{ledger.shown()} is a server: open it in a browser")
        if not ledger.exists():
            raise ValueError(
                f"nothing has been recorded in {ledger.shown()} yet; run a study first, or change to the "
                "folder where one ran"
            )
        ledger.check()
    print(f"MLflow on http://{host}:{port} (Ctrl-C ends it)")
    for name, path in ledger.views():
        print(f"  {name}: http://{host}:{port}{path}", flush=True)
    command = (sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", ledger.uri)
    raise typer.Exit(subprocess.run((*command, "--host", host, "--port", str(port))).returncode)
