"""A walk through MLflow's pages: harness/tracking/run_table_view.py, study_summary.py, and `harness ui`."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.tiny import Run
from tests.harness.tracking.servers import free_port

SELENIUM = pytest.importorskip("selenium", reason="selenium is not installed")
ROOT = Path(__file__).parents[3]


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
    with (tmp_path / "ui.log").open("wb") as log:
        ui = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert ui.stdout
        lines = [ui.stdout.readline() for _ in range(3)]
        runs, charts = re.findall(r"http://\S+/#/\S+", "".join(lines))
        with open_browser(*paths) as browser:
            walk(Pages(browser, pictures), runs=runs, charts=charts, has_system_metrics=False)
    finally:
        ui.send_signal(signal.SIGTERM)
        ui.wait()
    assert sorted(path.stem for path in pictures.iterdir()) == [
        "cell",
        "charts",
        "curves",
        "image",
        "report",
        "runs",
        "study",
    ]
