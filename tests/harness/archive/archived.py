"""Helpers of the archive tests: a tiny finished study, its archives, and manipulated archives."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.tracking.tracker import Tracker
from studies.results import RunResult, Timing
from studies.study import Study
from tests.harness.tracking.test_tracker import STUDY as TINY
from tests.harness.tracking.test_tracker import result

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


def fresh(folder: Path, blank: Path) -> Tracker:
    """Return a tracker with an empty store in `folder`."""
    folder.mkdir(exist_ok=True)
    return Tracker(f"sqlite:///{shutil.copy(blank, folder)}")


def made(folder: Path, blank: Path, study: Study) -> Tracker:
    """Return a tracker with a store in `folder` that holds the study, with figures and weights.

    All cells but the last two finish; the last but one fails.
    """
    ledger = fresh(folder, blank)
    parent = ledger.open_study(study)
    ledger.log_figures(parent, {"samples": PNG, "augmentation": PNG})
    *finished, failed, _ = study.list_runs()
    for spec in finished:
        run_id = ledger.start_run(spec, parent=parent)
        ledger.log_epochs(run_id, result(spec).history)
        kept = folder / spec.key
        kept.mkdir()
        (kept / "curves.png").write_bytes(PNG)
        # One run is of an earlier version, which pickled its weights.
        if spec == finished[0]:
            torch.save(Bomb(), kept / "weights.pt")
        else:
            (kept / "weights.safetensors").write_bytes(b"weights")
        (kept / "notes of mine.txt").write_text("by hand")
        ledger.finish_run(run_id, result(spec), folder=kept)
    ledger.fail_run(ledger.start_run(failed, parent=parent), REASON)
    ledger.close_run(parent, "FAILED")
    return ledger


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def written(folder: Path) -> dict[str, bytes]:
    """Return the content of every file in a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def rewrite(path: Path, out: Path, change: Change, *, listed: bool = True) -> Path:
    """Write a copy of the archive with changed members; with `listed`, update the manifest accordingly."""
    found = contents(path)
    change(found)
    if listed:
        manifest = json.loads(found["manifest.json"])
        manifest["members"] = [
            {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in found.items()
            if name != "manifest.json"
        ]
        found["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in found.items():
            file.writestr(name, data)
    return out


TIMED = replace(TINY, arms=TINY.arms[:1], folds=(), protocols=("frame",), seeds=(0,), checks=("latency",))
LATENCY = next(spec for spec in TIMED.list_runs() if spec.variant == "latency")


def timed(ledger: Tracker, folder: Path, *, device: str) -> RunResult:
    """Log a finished latency run of `TIMED` on this device and return its result."""
    ran = replace(
        result(LATENCY), timings=(Timing(phase="network", milliseconds=(2.0, 3.0)),), predictions=()
    )
    ran = replace(ran, environment=replace(ran.environment, device=device))
    run_id = ledger.start_run(LATENCY, parent=ledger.open_study(TIMED))
    ledger.finish_run(run_id, ran, folder=empty(folder))
    return ran


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder
