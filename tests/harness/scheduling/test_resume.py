"""Tests that a killed study resumes from its last checkpoint and gives the same results."""

import time
from pathlib import Path

import pytest

from harness.tracking.tags import KEY_TAG, NOTE_TAG
from harness.tracking.tracker import Tracker
from tests.harness.processes import finish, fork, read_until
from tests.harness.scheduling.finished_cells import cells

pytestmark = pytest.mark.slow

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--epochs", "10", "--batch", "8")
MOMENTS = (
    ("", 0.2),
    ("epoch 1/10", 0.05),
    ("epoch 5/10", 0.0),
    ("epoch 10/10", 0.02),
    ("[2/2]", 0.3),
    ("epoch 9/10", 0.1),
    ("took ", 0.1),
)
"""Words of a progress line, and the seconds after it until the kill; "" stands for the start."""


def study(tree: Path, folder: Path, *, moments: tuple[tuple[str, float], ...]) -> tuple[str, Tracker]:
    """Run a study of two networks, killed at each of `moments`; return its stderr and its tracker."""
    networks = ("--only", "proposed", "--only", "vgg16")
    args = ("compare", "--dataset", "casme2", "--root", tree, *TINY, *networks)
    output = ""
    for words, wait in moments:
        process = fork(folder, *args)
        output += read_until(process, words)
        time.sleep(wait)
        process.kill()
        output += process.communicate()[1]
    last = finish(fork(folder, *args), folder, seen=output)
    assert last.status == 0, last.err
    return last.err, Tracker(f"sqlite:///{folder / 'mlflow.db'}")


def test_repeatedly_killed_study_gives_the_same_results(tree: Path, tmp_path: Path) -> None:
    _, reference = study(tree, tmp_path / "whole", moments=())
    output, tracker = study(tree, tmp_path / "killed", moments=MOMENTS)
    assert cells(tracker) == cells(reference)
    assert "resumed after epoch" in output
    assert "Traceback" not in output
    killed = [
        run for run in tracker.search_runs("attributes.status != 'FINISHED'") if KEY_TAG in run.data.tags
    ]
    assert {run.info.status for run in killed} == {"KILLED"}
    assert all(") died after" in run.data.tags[NOTE_TAG] for run in killed)
    left = {path.suffix for path in (tmp_path / "killed" / "cache" / "unfinished").rglob("*.*")}
    assert left <= {".lock"}
    reports = [next((tmp_path / name).rglob("report.md")).read_text() for name in ("whole", "killed")]
    assert len(set(reports[0].split("\n")) ^ set(reports[1].split("\n"))) < 20
