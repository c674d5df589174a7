"""A walk through MLflow's pages: harness/tracking/run_table_view.py, study_summary.py, and `harness ui`."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.harness.tiny import Run
from tests.harness.tracking.servers import free_port

SELENIUM = pytest.importorskip("selenium", reason="selenium is not installed")
ROOT = Path(__file__).parents[3]


@contextmanager
def _run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], log: BinaryIO
) -> Iterator[subprocess.Popen[str]]:
    """Run a command in the context, and end it as a terminal does."""
    options = {"cwd": folder, "env": environment, "stdout": subprocess.PIPE, "stderr": log}
    with subprocess.Popen(command, text=True, **options) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_for_server(address: str, server: subprocess.Popen[str]) -> None:
    """Wait until a server answers; raise AssertionError if it ends before."""
    while server.poll() is None:
        with suppress(OSError):
            urllib.request.urlopen(address).close()
            return
        time.sleep(0.2)
    raise AssertionError(f"no answer from {address}")


@pytest.mark.slow
def test_the_printed_address_leads_to_a_study_its_cells_a_curve_and_an_image(
    harness: Run, tree: Path, tmp_path: Path
) -> None:
    from tests.harness.tracking.mlflow_pages import Pages, find_browser, open_browser, walk

    paths = find_browser()
    if paths is None:
        pytest.skip("chromium or chromedriver is not installed")
    arms = ("--only", "proposed", "--only", "vgg16", "--seeds", 2, "--epochs", 2, "--protocol", "subject")
    size = ("--preset", "quick", "--image-size", 32, "--width", 0.125, "--jobs", 1)
    status, _, err = harness("compare", "--dataset", "casme2", "--root", tree, *arms, *size)
    assert status == 0, err
    port = free_port()
    command = (sys.executable, "-m", "harness", "ui", "--no-browser", "--port", str(port))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with (tmp_path / "ui.log").open("wb") as log, _run(command, tmp_path, environment, log) as ui:
        assert ui.stdout
        lines = [ui.stdout.readline() for _ in range(4)]
        runs, charts = re.findall(r"http://\S+/#/\S+", "".join(lines))
        _wait_for_server(f"http://127.0.0.1:{port}/health", ui)
        with open_browser(*paths) as browser:
            walk(Pages(browser, pictures), runs=runs, charts=charts, has_system_metrics=False)
    assert sorted(path.stem for path in pictures.iterdir()) == [
        "cell",
        "charts",
        "curves",
        "image",
        "report",
        "runs",
        "study",
    ]
