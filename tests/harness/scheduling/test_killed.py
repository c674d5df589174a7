"""Tests that a killed study resumes from its last checkpoint and gives the same results."""

import csv
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.tracking.tags import KEY_TAG, NOTE_TAG
from harness.tracking.tracker import Tracker
from tests.harness.processes import ROOT, cache_in

pytestmark = pytest.mark.slow

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--epochs", "24", "--batch", "8")
DICE = random.Random(5)
MOMENTS = [(DICE.choice((0, 2, 5, 10, 15, 20)), DICE.uniform(0.0, 0.5)) for _ in range(12)]


def study(tree: Path, folder: Path, *, moments: list[tuple[int, float]]) -> tuple[str, Tracker]:
    """Run a study of two networks, killed at each of `moments`; return its output and its tracker."""
    folder.mkdir()
    args = (
        "compare",
        "--dataset",
        "casme2",
        "--root",
        tree,
        *TINY,
        "--only",
        "proposed",
        "--only",
        "vgg16",
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.harness.scheduling.zygote", json.dumps(moments), *map(str, args)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HARNESS_CACHE": cache_in(folder),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr, Tracker(f"sqlite:///{folder / 'mlflow.db'}")


def cells(ledger: Tracker) -> dict[str, list[tuple[str, ...]]]:
    """Return the prediction rows of each finished cell by key."""
    runs = [run for run in ledger.search_runs("attributes.status = 'FINISHED'") if KEY_TAG in run.data.tags]
    assert max(Counter(run.data.tags[KEY_TAG] for run in runs).values()) == 1, "a cell has run twice"
    for run in runs:
        result = ledger.load_result(run.info.run_id)
        steps = [metric.step for metric in ledger.client.get_metric_history(run.info.run_id, "train/loss")]
        assert result is not None
        assert steps == [epoch.number for epoch in result.history] == list(range(1, len(steps) + 1))
    return {
        run.data.tags[KEY_TAG]: [
            tuple(row) for row in csv.reader(ledger.read_text(run, "predictions.csv").splitlines())
        ]
        for run in runs
    }


def test_a_study_killed_at_many_moments_ends_as_one_that_was_not(tree: Path, tmp_path: Path) -> None:
    _, whole = study(tree, tmp_path / "whole", moments=[])
    said, ledger = study(tree, tmp_path / "killed", moments=MOMENTS)
    assert cells(ledger) == cells(whole)
    assert "resumed after epoch" in said
    assert "Traceback" not in said
    killed = [
        run for run in ledger.search_runs("attributes.status != 'FINISHED'") if KEY_TAG in run.data.tags
    ]
    assert {run.info.status for run in killed} == {"KILLED"}
    assert all(") died after" in run.data.tags[NOTE_TAG] for run in killed)
    left = {path.suffix for path in (tmp_path / "killed" / "cache" / "unfinished").rglob("*.*")}
    assert left <= {".lock"}
    reports = [next((tmp_path / name).rglob("report.md")).read_text() for name in ("whole", "killed")]
    assert len(set(reports[0].split("\n")) ^ set(reports[1].split("\n"))) < 20
