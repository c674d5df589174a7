"""Tests of cell locks between real processes: one holder at a time, released when its process ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from harness.scheduling.cell_locks import CellLocks
from tests.harness.processes import ROOT

HOLD = """
import sys, time
from harness.scheduling.cell_locks import CellLocks
with CellLocks("sqlite:///x").lock("a") as ours:
    print(ours, flush=True)
    time.sleep(600)
"""


def test_lock_is_exclusive_and_ends_with_its_process(tmp_path: Path) -> None:
    claims = CellLocks("sqlite:///x")
    assert not claims.is_locked("a")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "True\n"
        assert claims.is_locked("a")
        assert not claims.is_locked("b")
        with claims.lock("a") as is_locked, claims.lock("b") as another:
            assert (is_locked, another) == (False, True)
        other.send_signal(signal.SIGKILL)
        other.wait()
    with claims.lock("a") as is_locked:
        assert is_locked
        assert claims.is_locked("a")
    assert not claims.is_locked("a")


def test_lock_scope_depends_on_the_tracking_uri() -> None:
    first, second, other = CellLocks("sqlite:///x"), CellLocks("sqlite:///x"), CellLocks("http://y")
    assert first.scope == second.scope
    assert first.scope != other.scope
    with first.lock("a"), other.lock("a") as is_locked:
        assert is_locked
    assert first.open_checkpoint("a").path != other.open_checkpoint("a").path


def test_worker_locks_use_the_drivers_scope() -> None:
    driver, worker = CellLocks("sqlite:///x"), CellLocks("sqlite:///x", driver_scope="driver's place")
    with driver.lock("a"), worker.lock("a") as is_locked:
        assert is_locked
        with worker.lock("a") as second:
            assert not second
    assert worker.scope == "driver's place"
