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


def test_a_claim_keeps_others_out_and_ends_with_a_killed_process(tmp_path: Path) -> None:
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
        with claims.lock("a") as ours, claims.lock("b") as another:
            assert (ours, another) == (False, True)
        other.send_signal(signal.SIGKILL)
        other.wait()
    with claims.lock("a") as ours:
        assert ours
        assert claims.is_locked("a")
    assert not claims.is_locked("a")


def test_one_place_has_one_name_and_ledgers_are_kept_apart() -> None:
    first, second, other = CellLocks("sqlite:///x"), CellLocks("sqlite:///x"), CellLocks("http://y")
    assert first.scope == second.scope
    assert first.scope != other.scope
    with first.lock("a"), other.lock("a") as ours:
        assert ours
    assert first.open_checkpoint("a").path != other.open_checkpoint("a").path


def test_whoever_runs_a_cell_for_another_is_kept_apart_from_the_next() -> None:
    driver, hand = CellLocks("sqlite:///x"), CellLocks("sqlite:///x", driver_scope="driver's place")
    with driver.lock("a"), hand.lock("a") as ours:
        assert ours
        with hand.lock("a") as again:
            assert not again
    assert hand.scope == "driver's place"
