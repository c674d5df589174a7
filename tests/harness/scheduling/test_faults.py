"""Tests of failures during a study: finished cells are kept, failed ones reported, and the others run."""

import os
import re
import resource
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from harness.tracking.tags import KEY_TAG, NOTE_TAG, PROCESS_TAG
from harness.tracking.tracker import Tracker
from harness.training.snapshot import count_epochs
from tests.harness.processes import ended, start, until
from tests.harness.scheduling.test_killed import cells
from tests.harness.tracking.servers import Server, running

pytestmark = pytest.mark.slow

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--batch", "8", "--epochs", "8")
Cells = dict[str, list[tuple[str, ...]]]
TWO = ("--only", "proposed", "--only", "vgg16-bn-gap")

NET = """
import os, signal, sys, time
import torch
from multiprocessing import parent_process
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.steps, self.last = 0, nn.Linear(3, classes)

    def forward(self, x):
        self.steps += self.training
        {fault}
        return self.last(x.mean((2, 3)))

def {name}(classes):
    return Net(classes)
"""


def compare(tree: Path, *more: object) -> tuple[object, ...]:
    return ("compare", "--dataset", "casme2", "--root", tree, *TINY, *more)


def own(folder: Path, fault: str, *, name: str = "net") -> tuple[str, ...]:
    """Write a user network that executes `fault` in its forward pass, and return its command-line option."""
    folder.mkdir(exist_ok=True)
    (folder / "net.py").write_text(NET.format(fault=fault, name=name))
    return "--architecture", f"{folder / 'net.py'}:{name}"


@pytest.fixture(scope="module")
def undisturbed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Cells:
    """Return the predictions of the two networks' cells in an undisturbed study."""
    end = ended(start(folder := tmp_path_factory.mktemp("undisturbed"), *compare(tree, *TWO)), folder)
    assert end.status == 0, end.err
    return cells(ledger_of(folder))


def ledger_of(folder: Path) -> Tracker:
    return Tracker(f"sqlite:///{folder / 'mlflow.db'}")


def test_a_tracking_server_that_is_away_for_a_while_misses_nothing(
    tree: Path, tmp_path: Path, undisturbed: Cells
) -> None:
    server = Server(tmp_path, f"sqlite:///{tmp_path / 'server.db'}", variables={})
    with running(server):
        process = start(tmp_path / "served", *compare(tree, *TWO), "--tracking-uri", server.uri)
        seen = until(process, "epoch 2/8")
        server.end(signal.SIGKILL)
        # Training goes on meanwhile; it is the end of the cell that waits for the server.
        seen += until(process, "is unavailable")
        time.sleep(6)
        server.start()
        served = ended(process, tmp_path / "served", seen=seen)
        assert served.status == 0, served.err
        assert "is back: sending the held writes" in served.err
        ledger = Tracker(server.uri)
        assert cells(ledger) == undisturbed
        for run in ledger.search_runs("attributes.status = 'FINISHED'"):
            if KEY_TAG in run.data.tags:
                told = ledger.client.get_metric_history(run.info.run_id, "train/loss")
                assert [metric.step for metric in told] == list(range(1, 9))


def test_processes_that_begin_a_study_together_share_it(tree: Path, tmp_path: Path) -> None:
    args = compare(tree, *TWO, "--seeds", "2")
    both = [start(tmp_path, *args) for _ in range(2)]
    ends = [ended(process, tmp_path) for process in both]
    assert [end.status for end in ends] == [0, 0], ends
    said = "".join(end.err for end in ends)
    assert said.count("epoch 8/8") == 4
    assert all("epoch 8/8" in end.err for end in ends), "one has done all of it"
    ledger = ledger_of(tmp_path)
    assert len(cells(ledger)) == 4
    assert len(ledger.list_study_names()) == 1


def test_a_worker_that_dies_takes_nothing_with_it(tree: Path, tmp_path: Path) -> None:
    # Slow enough to be still running when its process has been looked up.
    slow = own(tmp_path / "own", "time.sleep(0.2 * bool(self.training and parent_process()))")
    process = start(tmp_path, *compare(tree, "--only", "proposed", *slow), "--jobs", "2")
    seen = until(process, "net · frame · seed 0")
    ledger, deadline = ledger_of(tmp_path), time.monotonic() + 60
    while time.monotonic() < deadline:
        found = ledger.search_runs("attributes.status = 'RUNNING' and tags.`mlflow.runName` LIKE 'net%'")
        if found and "train/loss" in found[0].data.metrics:
            break
    os.kill(int(found[0].data.tags[PROCESS_TAG].split()[-1]), signal.SIGKILL)
    killed = ended(process, tmp_path, seen=seen)
    assert killed.status == 0, killed.err
    assert "its process died (killed by SIGKILL, possibly out of memory); restarting it" in killed.err
    assert len(cells(ledger)) == 2
    (dead,) = ledger.search_runs("attributes.status = 'KILLED'")
    assert ") died after" in dead.data.tags[NOTE_TAG]


def test_a_cell_that_always_kills_its_worker_fails_and_the_others_go_on(tree: Path, tmp_path: Path) -> None:
    fault = "(self.steps > 3 and parent_process()) and os.kill(os.getpid(), signal.SIGSEGV)"
    args = compare(tree, "--only", "proposed", *own(tmp_path / "own", fault), "--epochs", "2", "--jobs", "2")
    end = ended(start(tmp_path, *args), tmp_path)
    assert end.status == 1
    assert "failed  net (frame): its process died (killed by SIGSEGV), 3 times" in end.out
    result, _ = ledger_of(tmp_path).load_study(end.out.split("study   ")[1].split("\n")[0])
    assert [r.spec.architecture.name for r in result.results] == ["proposed"]
    assert [f.reason for f in result.failures] == ["its process died (killed by SIGSEGV), 3 times"]
    assert "its process died" in next(tmp_path.rglob("report.md")).read_text()


FAULTS = {
    "if self.steps > 9: x = x * float('nan')": "DivergenceError: the training loss became nan in epoch 2",
    "if self.steps > 9: torch.empty(2**60)": "RuntimeError: ",
    "if self.steps > 9: open('/no/such/file')": "FileNotFoundError: ",
    "if self.steps > 9: sys.exit('enough')": "SystemExit: enough",
}


def test_cells_that_fail_are_told_with_their_reasons(tree: Path, tmp_path: Path) -> None:
    nets = [own(tmp_path / f"own{number}", fault, name=f"net{number}") for number, fault in enumerate(FAULTS)]
    end = ended(start(tmp_path, *compare(tree, "--only", "proposed", *sum(nets, ()))), tmp_path)
    assert end.status == 1
    assert "Traceback" not in end.err
    report = next(tmp_path.rglob("report.md")).read_text()
    for number, reason in enumerate(FAULTS.values()):
        assert f"failed  net{number} (frame): {reason}" in end.out
        place = "harness/training/train.py" if "DivergenceError" in reason else "net.py:14"
        assert re.search(rf"\({place}.*; traceback: traceback.txt of MLflow run \w+\n", end.out)
        assert reason.split(":")[0] in report
    assert len(cells(ledger_of(tmp_path))) == 1


SLOW = """
import time
from torch import nn

class Slow(nn.Sequential):
    def forward(self, x):
        time.sleep(0.2 * self.training)
        return super().forward(x)

def slow(classes):
    return Slow(nn.Flatten(), nn.Linear(3 * 32 * 32, 500), nn.ReLU(), nn.Linear(500, classes))
"""
"""A network with such slow epochs that a checkpoint is due often; its weights have 6 MB."""


def test_a_full_disk_stops_the_study_which_goes_on_when_there_is_room(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SLOW)
    net = f"{tmp_path / 'net.py'}:slow"
    args = compare(tree, "--only", "proposed", "--architecture", net, "--epochs", "10")
    process = start(tmp_path, *args, "--jobs", "1")
    seen = until(process, "slow · frame")
    (folder,) = (tmp_path / "cache" / "unfinished").iterdir()
    while not any(count_epochs(file) > 1 for file in folder.glob("*.odd")):
        assert process.poll() is None
        time.sleep(0.1)
    # Limit the file size to less than a checkpoint; writing one then fails as on a full disk.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
    full = ended(process, tmp_path, seen=seen)
    assert full.status == 1
    assert "error: the disk is full" in full.err
    assert "Traceback" not in full.err
    assert "resumed after epoch" not in full.err
    again = ended(start(tmp_path, *args), tmp_path)
    assert again.status == 0, again.err
    assert "resumed after epoch" in again.err
    whole = ended(start(tmp_path / "whole", *args), tmp_path / "whole")
    assert cells(ledger_of(tmp_path)) == cells(ledger_of(whole.folder))


def test_images_that_vanish_while_a_study_runs_change_nothing(
    tree: Path, tmp_path: Path, undisturbed: Cells
) -> None:
    copy = Path(shutil.copytree(tree, tmp_path / "tree"))
    process = start(tmp_path / "cut", *compare(copy, *TWO))
    seen = until(process, "epoch 2/8")
    shutil.rmtree(copy)
    cut = ended(process, tmp_path / "cut", seen=seen)
    assert cut.status == 0, cut.err
    assert cells(ledger_of(cut.folder)) == undisturbed


CLOCK = """
import itertools, sys, time
real, calls = time.time, itertools.count()
# Forwards and back by a day, again and again.
time.time = lambda: real() + (86_400, -86_400, 0)[next(calls) // 40 % 3]
sys.argv[0] = "harness"
from harness.cli import main
main()
"""


def test_a_clock_that_jumps_changes_nothing(tree: Path, tmp_path: Path, undisturbed: Cells) -> None:
    args = compare(tree, *TWO)
    jumping = tmp_path / "jumping"
    for epoch in ("epoch 2/8", None):
        process = start(jumping, *args, code=CLOCK)
        seen = until(process, epoch) if epoch else ""
        if epoch:
            process.kill()
        end = ended(process, jumping, seen=seen)
    assert end.status == 0, end.err
    assert cells(ledger_of(jumping)) == undisturbed
    states = [run.info.status for run in ledger_of(jumping).search_runs("tags.`harness.key` != ''")]
    assert Counter(states) == {"FINISHED": 2, "KILLED": 1}
