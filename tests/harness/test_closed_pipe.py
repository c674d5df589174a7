"""Tests of a pipe that its reader has closed: output is dropped, and the command ends as usual."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from harness.tracking.tracker import Tracker
from tests.harness.processes import ROOT, TIMEOUT, Fork, create_tables, fork, start

pytestmark = pytest.mark.slow

TINY = ("--preset", "quick", "--epochs", "1", "--image-size", "32", "--width", "0.0625")
NOISY = """
from torch import nn

class Tiny(nn.Sequential):
    def forward(self, x):
        print("a line", flush=True)
        return super().forward(x)

def tiny(classes):
    return Tiny(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, classes))
"""


def head(process: subprocess.Popen[str] | Fork, output: IO[str]) -> tuple[int, str]:
    """Read a line of the output of a process as `head -n 1` does; return its exit status and the line."""
    read = output.readline()
    output.close()
    return process.wait(timeout=TIMEOUT), read


@pytest.mark.parametrize(
    ("study", "view"),
    [
        (("compare", "--only", "proposed", "--jobs", 1), {}),
        (
            ("compare", "--only", "proposed", "--architecture", "net.py:tiny", "--jobs", 2),
            {"FORCE_COLOR": "1"},
        ),
    ],
    ids=["lines", "live"],
)
def test_study_with_a_closed_pipe_finishes_normally(
    tree: Path, tmp_path: Path, study: tuple[object, ...], view: dict[str, str]
) -> None:
    (tmp_path / "net.py").write_text(NOISY)
    one_pipe = "import os\nos.dup2(2, 1)"
    args = (*study, "--dataset", "casme2", "--root", tree, *TINY)
    process = fork(tmp_path, *args, code=one_pipe, **view)
    status, read = head(process, process.stderr)
    assert (status, bool(read)) == (0, True)
    assert len(list((tmp_path / "results").rglob("report.md"))) == 1
    runs = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}").store.search_runs("tags.`mlflow.runName` != ''")
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_python_code_that_runs_a_study_survives_a_closed_pipe(tree: Path, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from tests.harness.tiny import request
from harness.api import run
result, report = run(request(Path({str(tree)!r})))
raise SystemExit(7 if report.is_file() and not result.failures else 1)
"""
    create_tables(f"sqlite:///{tmp_path / 'mlflow.db'}")
    process = start(tmp_path, code)
    assert process.stdout
    status, read = head(process, process.stdout)
    assert (status, read.startswith("study ")) == (7, True)


def test_every_command_ends_quietly(tmp_path: Path) -> None:
    # The pipe has no reader from the start, so that the interpreter finds it closed when it exits.
    for args, expected, unbuffered in (
        (("data", "list"), 0, ""),
        (("data", "list", "--json"), 0, "1"),
        (("--help",), 0, ""),
        (("cost", "--nosuch"), 2, ""),
    ):
        reading, writing = os.pipe()
        os.close(reading)
        process = subprocess.run(
            [sys.executable, "-m", "harness", *args],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(writing)
        assert process.returncode == expected, args
        assert ("Traceback" in process.stderr, "BrokenPipe" in process.stderr) == (False, False)
        assert bool(process.stderr) == (expected == 2)


def test_error_in_a_closed_pipe_keeps_its_exit_status(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "harness", "ablate", "--design", "nosuch"]
    process = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=writing, check=False
    )
    os.close(writing)
    assert process.returncode == 2
