"""Helpers of the archive tests: a tiny finished study, its archives, and manipulated archives."""

import hashlib
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.tracking.study_reader import WEIGHT_FILES
from harness.tracking.tags import KEY_TAG, NAME_TAG, PARENT_TAG, SPEC_TAG
from harness.tracking.tracker import Tracker
from harness.tracking.uri import get_sqlite_path
from studies.results import RunResult, Timing
from studies.study import Study
from tests.harness.tracking.small_study import STUDY as TINY
from tests.harness.tracking.small_study import result

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)
REASON = "RuntimeError: <odd> | reason"
Change = Callable[[dict[str, bytes]], object]
FINISHED, FAILED = TINY.list_runs()[:-2], TINY.list_runs()[-2]
"""Of the eight cells, six finish, one fails and one is not run."""

SMALL = replace(TINY, arms=TINY.arms[:1])
SMALL_FINISHED = SMALL.list_runs()[:2]
"""Of the four cells of a smaller study, two finish, one fails and one is not run."""


class Bomb:
    """Weights that fail the test if they are unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("the weights were unpickled",))


def new_tracker(folder: Path, blank: Path) -> Tracker:
    """Return a tracker with an empty store in `folder`."""
    folder.mkdir(exist_ok=True)
    return Tracker(f"sqlite:///{shutil.copy(blank, folder)}")


def make_study(folder: Path, blank: Path, study: Study) -> Tracker:
    """Return a tracker with a store in `folder` that holds the study, with figures and weights.

    All cells but the last two finish; the last but one fails.
    """
    tracker = new_tracker(folder, blank)
    parent = tracker.open_study(study)
    tracker.log_figures(parent, {"samples": PNG, "augmentation": PNG})
    *finished, failed, _ = study.list_runs()
    for spec in finished:
        run_id = tracker.start_run(spec, parent=parent)
        tracker.log_epochs(run_id, result(spec).history)
        folder_path = folder / spec.key
        folder_path.mkdir()
        (folder_path / "curves.png").write_bytes(PNG)
        # One run is of an earlier version, which pickled its weights.
        if spec == finished[0]:
            torch.save(Bomb(), folder_path / "weights.pt")
        else:
            (folder_path / "weights.safetensors").write_bytes(b"weights")
        (folder_path / "notes of mine.txt").write_text("by hand")
        tracker.finish_run(run_id, result(spec), folder=folder_path)
    tracker.fail_run(tracker.start_run(failed, parent=parent), REASON)
    tracker.close_run(parent, "FAILED")
    return tracker


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file in a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def rewrite(path: Path, out: Path, change: Change, *, listed: bool = True) -> Path:
    """Write a copy of the archive with changed members; with `listed`, update the manifest accordingly."""
    members = contents(path)
    change(members)
    if listed:
        manifest = json.loads(members["manifest.json"])
        manifest["members"] = [
            {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
            if name != "manifest.json"
        ]
        members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out


TIMED = replace(TINY, arms=TINY.arms[:1], folds=(), protocols=("frame",), seeds=(0,), checks=("latency",))
LATENCY = next(spec for spec in TIMED.list_runs() if spec.variant == "latency")


def log_latency(tracker: Tracker, folder: Path, *, device: str) -> RunResult:
    """Log a finished latency run of `TIMED` on this device and return its result."""
    ran = replace(
        result(LATENCY), timings=(Timing(phase="network", milliseconds=(2.0, 3.0)),), predictions=()
    )
    ran = replace(ran, environment=replace(ran.environment, device=device))
    run_id = tracker.start_run(LATENCY, parent=tracker.open_study(TIMED))
    tracker.finish_run(run_id, ran, folder=empty(folder))
    return ran


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def list_cells(tracker: Tracker) -> dict[str, tuple[object, ...]]:
    """Return MLflow's record of each cell except ids and times, by run name; a duplicate cell is an error."""
    records: dict[str, tuple[object, ...]] = {}
    with closing(sqlite3.connect(get_sqlite_path(tracker.store.uri))) as store:
        # MLflow's client would need a query for each metric of each run.
        rows = store.execute("SELECT run_uuid, key, step, value FROM metrics ORDER BY key, step").fetchall()
    for run in tracker.store.search_runs(f"tags.`{PARENT_TAG}` != ''"):
        tags, name = run.data.tags, run.data.tags[NAME_TAG]
        assert name not in records, "a cell has two runs"
        curves = tuple(point for run_id, *point in rows if run_id == run.info.run_id)
        files = {item.path for item in tracker.store.client.list_artifacts(run.info.run_id)}
        records[name] = (
            run.info.status,
            tags[KEY_TAG],
            tags[SPEC_TAG],
            tags.get("harness.reason"),
            dict(run.data.params),
            curves,
            files - {*WEIGHT_FILES, "notes of mine.txt"},
        )
    return records
