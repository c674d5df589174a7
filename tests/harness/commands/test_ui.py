"""Tests of `harness ui`: it reports errors before MLflow starts and leaves no server running."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.commands.ui import _run_server
from tests.harness.tiny import Run

ROOT = Path(__file__).parents[3]


def test_server_uri_error_hides_the_password(harness: Run) -> None:
    status, out, err = harness("ui", "--tracking-uri", "http://me:secret@example.org:5000")
    assert (status, out) == (2, "")
    assert "http://example.org:5000 is a server: open it in a browser" in err
    assert "secret" not in err


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_port_out_of_range_is_an_error(harness: Run, tmp_path: Path, port: int) -> None:
    (tmp_path / "mlflow.db").touch()
    status, _, err = harness("ui", "--port", port)
    assert status == 2
    assert err == f"error: --port must be from 1 to 65535; got {port}\n"


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_occupied_port_error_names_a_free_one(
    harness: Run, tmp_path: Path, family: socket.AddressFamily, host: str
) -> None:
    (tmp_path / "mlflow.db").touch()
    with socket.socket(family) as occupied:
        try:
            occupied.bind((host, 0))
        except OSError:
            pytest.skip(f"there is no {host} here")
        occupied.listen()
        port = occupied.getsockname()[1]
        status, out, err = harness("ui", "--host", host, "--port", port)
    assert (status, out) == (2, "")
    assert f"no server can listen on {host}:{port}" in err
    assert "name another --port" in err


@pytest.fixture
def restore_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("restore_signals")
@pytest.mark.parametrize("code", [0, 3])
def test_status_is_the_servers(code: int) -> None:
    assert _run_server((sys.executable, "-c", f"import sys; sys.exit({code})")) == code


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
def test_server_and_its_workers_end_with_the_command(tmp_path: Path) -> None:
    worker = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()}\\n'); time.sleep(60)"
    server = (
        "import subprocess, sys; "
        f"subprocess.run([sys.executable, '-c', {worker!r}, {str(tmp_path / 'pid')!r}])"
    )
    code = (
        "import sys; from harness.commands.ui import _run_server; "
        f"_run_server((sys.executable, '-c', {server!r}))"
    )
    command = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().endswith("\n"):
            assert command.poll() is None
            time.sleep(0.01)
        command.send_signal(signal.SIGTERM)
        assert command.wait(timeout=20) == 128 + signal.SIGTERM
    finally:
        command.kill()
    assert is_gone(int((tmp_path / "pid").read_text()))


def is_gone(process: int) -> bool:
    """Return whether a process ends within seconds; a zombie counts as ended."""
    for _ in range(500):
        try:
            os.kill(process, 0)
            if "\nState:\tZ" in Path(f"/proc/{process}/status").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False
