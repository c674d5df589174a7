"""`harness ui`: the MLflow web interface on the ledger of this folder."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from typing import Annotated

import typer

from harness.commands import options
from harness.errors import FAILED, user_input

MOST_PORT = 65535


def ui(
    tracking_uri: options.TrackingUri = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5000,
) -> None:
    """Open the MLflow web interface on the recorded studies; Ctrl-C ends it."""
    from harness.tracking.ledger import Ledger

    ledger = Ledger(tracking_uri)
    with user_input():
        if ledger.uri.startswith(("http://", "https://")):
            raise ValueError(f"{ledger.shown()} is a server: open it in a browser")
        if not ledger.exists():
            raise ValueError(
                f"nothing has been recorded in {ledger.shown()} yet; run a study first, or change to the "
                "folder where one ran"
            )
        _check_free(host, port)
        ledger.check()
    print(f"MLflow starts on http://{host}:{port} (Ctrl-C ends it)")
    for name, path in ledger.views():
        print(f"  {name}: http://{host}:{port}{path}", flush=True)
    command = (sys.executable, "-m", "mlflow", "ui", "--host", host, "--port", str(port))
    raise typer.Exit(FAILED if _serve(command, MLFLOW_BACKEND_STORE_URI=ledger.uri) else 0)


def _check_free(host: str, port: int) -> None:
    """ValueError where nothing can listen: MLflow's traceback ends with the exit status of success."""
    import socket

    if not host:
        raise ValueError(f"--host must be an address of this machine, such as 127.0.0.1; got {host!r}")
    if not 1 <= port <= MOST_PORT:
        raise ValueError(f"--port must be from 1 to {MOST_PORT}; got {port}")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        other = f"--port, such as {port % MOST_PORT + 1}" if taken else "--host, such as 127.0.0.1"
        raise ValueError(
            f"{host}:{port} cannot be listened on ({error.strerror}); name another {other}"
        ) from error


def _serve(command: tuple[str, ...], **variables: str) -> int:
    """Run the server until it ends; when this process is told to end, the server's whole group does."""
    # In the environment: a command's arguments, with a database's password, are for all users to see.
    server = subprocess.Popen(command, start_new_session=True, env={**os.environ, **variables})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return server.wait()
    finally:
        if server.poll() is None:
            if hasattr(os, "killpg"):
                os.killpg(server.pid, signal.SIGTERM)
            else:
                server.terminate()
            server.wait()
