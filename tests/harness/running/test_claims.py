"""Claims between real processes: one at a time, and gone with their process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from harness.running.claims import Claims
from tests.harness.processes import ROOT

HOLD = """
import sys, time
from harness.running.claims import Claims
with Claims("sqlite:///x").taken("a") as ours:
    print(ours, flush=True)
    time.sleep(600)
"""


def test_a_claim_keeps_others_out_and_ends_with_a_killed_process(tmp_path: Path) -> None:
    claims = Claims("sqlite:///x")
    assert not claims.held("a")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "True\n"
        assert claims.held("a")
        assert not claims.held("b")
        with claims.taken("a") as ours, claims.taken("b") as another:
            assert (ours, another) == (False, True)
        other.send_signal(signal.SIGKILL)
        other.wait()
    with claims.taken("a") as ours:
        assert ours
        assert claims.held("a")
    assert not claims.held("a")


def test_one_place_has_one_name_and_ledgers_are_kept_apart() -> None:
    first, second, other = Claims("sqlite:///x"), Claims("sqlite:///x"), Claims("http://y")
    assert first.place == second.place
    assert first.place != other.place
    with first.taken("a"), other.taken("a") as ours:
        assert ours
    assert first.checkpoint("a").path != other.checkpoint("a").path


def test_whoever_runs_a_cell_for_another_is_kept_apart_from_the_next() -> None:
    driver, hand = Claims("sqlite:///x"), Claims("sqlite:///x", on_behalf_of="driver's place")
    with driver.taken("a"), hand.taken("a") as ours:
        assert ours
        with hand.taken("a") as again:
            assert not again
    assert hand.place == "driver's place"
