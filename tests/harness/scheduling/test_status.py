"""Tests of `harness status` while a study runs, after it was killed, and after it has finished."""

import json
import signal
from pathlib import Path

import pytest

from harness.scheduling.cell_locks import CellLocks
from harness.scheduling.status import _summarize_runs
from harness.tracking.cell_runs import CellRun
from tests.harness.processes import fork, read_until
from tests.harness.tiny import Run
from tests.harness.tracking.small_study import STUDY

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--batch", "8", "--epochs", "6")
NET = """
import time
from pathlib import Path
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.last = nn.Linear(3, classes)

    def forward(self, x):
        {before}
        return self.last(x.mean((2, 3)))

def net(classes):
    return Net(classes)
"""


def compare(tree: Path, folder: Path, *, before: str) -> tuple[str, ...]:
    """Return the command of a study of two networks; the user's runs `before` in each forward pass."""
    (folder / "net.py").write_text(NET.format(before=before))
    args = ("compare", "--dataset", "casme2", "--root", str(tree), *TINY, "--only", "proposed")
    return (*args, "--architecture", f"{folder / 'net.py'}:net")


@pytest.mark.slow
def test_status_of_running_stopped_and_finished_study(harness: Run, tree: Path, tmp_path: Path) -> None:
    assert harness("status", "--json")[1] == "[]\n"
    assert not (tmp_path / "mlflow.db").exists()
    hold = tmp_path / "hold"
    slow = f"time.sleep(0.05)\n        while Path({str(hold)!r}).exists(): time.sleep(0.05)"
    args = compare(tree, tmp_path, before=slow)
    # A process stopped by a signal might be writing and keep the lock of the SQLite file.
    process = fork(tmp_path, *args)
    read_until(process, "[2/2]")
    read_until(process, "epoch 1/6")
    hold.touch()
    (running,) = json.loads(harness("status", "--json")[1])
    assert (running["state"], running["cells"], running["done"], running["left"]) == ("running", 2, 1, 1)
    (cell,) = running["running"]
    assert cell["epoch"] in (1, 2, 3)
    assert cell["epochs"] == 6
    assert f"process {process.pid}" in cell["process"]
    assert running["seconds_left"] > 0
    text = harness("status")[1]
    assert "running: 1 of 2 cells done, 1 left, about" in text
    process.send_signal(signal.SIGKILL)
    process.communicate()
    hold.unlink()

    (stopped,) = json.loads(harness("status", running["study"], "--json")[1])
    assert (stopped["state"], stopped["left"], stopped["running"]) == ("stopped", 1, [])
    assert "run the command that started it again" in harness("status")[1]

    assert harness(*args)[0] == 0
    (finished,) = json.loads(harness("status", "--json")[1])
    assert (finished["state"], finished["done"], finished["left"]) == ("done", 2, 0)


def test_unknown_study_error_lists_known_ones(harness: Run) -> None:
    status, _, err = harness("status", "x", "--tracking-uri", "sqlite:///y.db")
    assert status == 2
    assert "no study 'x' on sqlite:///y.db; studies there: none" in err


@pytest.mark.slow
def test_failed_cells_are_listed_and_retried_on_request(harness: Run, tree: Path, tmp_path: Path) -> None:
    pulled = "raise OSError('the disk that holds it was pulled out')"
    mended = tmp_path / "mended"
    args = compare(
        tree, tmp_path, before=f"if self.training and not Path({str(mended)!r}).exists(): {pulled}"
    )
    status, out, _ = harness(*args)
    assert status == 1
    assert "the disk that holds it was pulled out" in out
    assert "OSError: the disk that holds it was pulled out" in harness("status")[1]

    status, _, err = harness(*args)
    assert status == 1
    assert "epoch 1/6" not in err, "no cell runs"
    assert "--retry-failed" in err

    mended.touch()
    status, _, err = harness(*args, "--retry-failed")
    assert status == 0
    assert err.count("epoch 6/6") == 1
    assert "proposed" not in err.split("study ")[-1], "only the failed cell runs"
    assert json.loads(harness("status", "--json")[1])[0]["state"] == "done"


def test_a_study_between_two_cells_is_running(tmp_path: Path) -> None:
    locks = CellLocks(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert _summarize_runs(STUDY, [], locks).state == "stopped"
    with locks.lock(STUDY.list_runs()[0].key):
        assert _summarize_runs(STUDY, [], locks).state == "running"


def test_a_cell_that_another_machine_runs_is_open_elsewhere(tmp_path: Path) -> None:
    locks = CellLocks(f"sqlite:///{tmp_path / 'mlflow.db'}")
    key = STUDY.list_runs()[0].key
    cell_run = CellRun(key=key, name="", status="RUNNING", lock_scope="another machine", process="7")
    status = _summarize_runs(STUDY, [cell_run], locks)
    assert status.state == "open elsewhere"
    assert len(status.running_cells) == 1
