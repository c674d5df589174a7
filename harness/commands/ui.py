"""`harness ui`: start the MLflow web interface on the tracking store."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Annotated

import typer

from harness.commands import options
from harness.errors import EXIT_FAILED, HarnessError, wrap_user_errors

MAX_PORT = 65535

DESKTOP_VARS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""Variables of which a desktop session, or the user, sets one."""

START_TIMEOUT, POLL_SECONDS = 60.0, 0.5
"""Seconds to wait for the server before the browser opens, and between two attempts to connect."""


def ui(
    tracking_uri: options.TrackingUri = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5000,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the newest study in a browser.")
    ] = True,
) -> None:
    """Start the MLflow web interface for the recorded studies; press Ctrl-C to stop."""
    from harness.commands.options import open_tracker
    from harness.tracking.study_views import list_views
    from harness.tracking.uri import is_local

    tracker = open_tracker(tracking_uri)
    with wrap_user_errors():
        if not is_local(tracker.store.uri):
            raise HarnessError(
                "ui-store.is-a-server", f"{tracker.store.display_uri()} is a server: open it in a browser"
            )
        if not tracker.store.exists():
            raise HarnessError(
                "ui-store.empty",
                f"nothing has been recorded in {tracker.store.display_uri()} yet; run a study first, or "
                "change to the folder in which a study ran",
            )
        _check_port(host, port)
        tracker.store.check_connection()
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    print(f"MLflow starts on {address} (press Ctrl-C to stop)", flush=True)
    views = list_views(tracker.store)
    for view in views:
        print(f"  {view.experiment_name}, newest study {view.newest_study}:")
        print(f"    runs: {address}{view.runs_path}")
        print(f"    charts: {address}{view.charts_path}", flush=True)
    if views and browser and _has_browser():
        _open_when_ready(host, port, f"{address}{views[0].runs_path}")
    command = (sys.executable, "-m", "mlflow", "ui", "--host", host, "--port", str(port))
    raise typer.Exit(EXIT_FAILED if _run_server(command, MLFLOW_BACKEND_STORE_URI=tracker.store.uri) else 0)


def _has_browser() -> bool:
    """Return True on a terminal of a desktop; elsewhere no window can open."""
    is_desktop = sys.platform in ("darwin", "win32") or any(map(os.environ.get, DESKTOP_VARS))
    return sys.stdout.isatty() and is_desktop


def _open_when_ready(host: str, port: int, address: str) -> None:
    """Open `address` in a browser when a server listens on `host` and `port`, from a background thread."""
    import socket
    import threading
    import time
    import webbrowser

    def open_page() -> None:
        for _ in range(int(START_TIMEOUT / POLL_SECONDS)):
            time.sleep(POLL_SECONDS)
            with suppress(OSError), socket.create_connection((host, port), timeout=POLL_SECONDS):
                webbrowser.open(address)
                return

    threading.Thread(target=open_page, daemon=True).start()


def _check_port(host: str, port: int) -> None:
    """Check that a server can listen on `host` and `port`.

    MLflow itself would print a traceback and exit with status 0.

    Raises:
        HarnessError: The address or the port cannot be used.
    """
    import socket

    if not host:
        raise HarnessError(
            "ui-host.empty", f"--host must be an address of this machine, such as 127.0.0.1; got {host!r}"
        )
    if not 1 <= port <= MAX_PORT:
        raise HarnessError("ui-port.range", f"--port must be from 1 to {MAX_PORT}; got {port}")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as test_socket:
            test_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            test_socket.bind((host, port))
    except OSError as error:
        is_in_use = error.errno in (errno.EADDRINUSE, errno.EACCES)
        hint = f"--port, such as {port % MAX_PORT + 1}" if is_in_use else "--host, such as 127.0.0.1"
        raise HarnessError(
            "ui-address.unusable",
            f"no server can listen on {host}:{port} ({error.strerror}); name another {hint}",
        ) from error


def _run_server(command: tuple[str, ...], **environment: str) -> int:
    """Run the server until it exits and return its status; stop its process group if this process stops."""
    # The store's URI goes into the environment: all users can see a command's arguments, and with them the
    # password of a database.
    server = subprocess.Popen(command, start_new_session=True, env={**os.environ, **environment})
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
