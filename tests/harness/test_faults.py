"""Real faults while a study runs: what has been done is kept, what failed is told, the rest goes on."""

import os
import resource
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from harness.tracking import KEY, NOTE, Ledger
from tests.harness.servers import Server, ended, running, start
from tests.harness.test_cluster import until
from tests.harness.test_killed import cells

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--batch", "8")
TWO = ("--only", "proposed", "--only", "vgg16-bn-gap")

NET = """
import os, signal, time
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

def net(classes):
    return Net(classes)
"""


def compare(tree: Path, *more: object) -> tuple[object, ...]:
    return ("compare", "--dataset", "casme2", "--root", tree, *TINY, *more)


def own(folder: Path, fault: str) -> tuple[str, str]:
    """The option for a network of one's own that does `fault` as it answers."""
    folder.mkdir(exist_ok=True)
    (folder / "net.py").write_text(NET.format(fault=fault))
    return "--architecture", f"{folder / 'net.py'}:net"


def ledger_of(folder: Path) -> Ledger:
    return Ledger(f"sqlite:///{folder / 'mlflow.db'}")


def children(process: int) -> list[int]:
    """The workers of a process: those of its children that run cells."""
    told = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(pid) for pid in told.split() if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]


def test_a_tracking_server_that_is_away_for_a_while_misses_nothing(tree: Path, tmp_path: Path) -> None:
    server = Server(tmp_path, f"sqlite:///{tmp_path / 'server.db'}", variables={})
    args = compare(tree, *TWO, "--epochs", "12")
    with running(server):
        process = start(tmp_path / "served", *args, "--tracking-uri", server.uri)
        seen = until(process, "epoch 2/12")
        server.end(signal.SIGKILL)
        # Training goes on meanwhile; it is the end of the cell that waits for the server.
        seen += until(process, "is away")
        time.sleep(6)
        server.start()
        served = ended(process, tmp_path / "served", seen=seen)
        assert served.status == 0, served.err
        assert "is back; nothing is missing there" in served.err
        alone = ended(start(tmp_path / "alone", *args), tmp_path / "alone")
        assert alone.status == 0, alone.err
        ledger = Ledger(server.uri)
        assert cells(ledger) == cells(ledger_of(alone.folder))
        for run in ledger.search("attributes.status = 'FINISHED'"):
            if KEY in run.data.tags:
                told = ledger.client.get_metric_history(run.info.run_id, "train/loss")
                assert [metric.step for metric in told] == list(range(1, 13))


def test_processes_that_begin_a_study_together_share_it(tree: Path, tmp_path: Path) -> None:
    args = compare(tree, *TWO, "--seeds", "2", "--epochs", "4")
    both = [start(tmp_path, *args) for _ in range(2)]
    ends = [ended(process, tmp_path) for process in both]
    assert [end.status for end in ends] == [0, 0], ends
    said = "".join(end.err for end in ends)
    assert said.count("epoch 4/4") == 4
    assert all("epoch 4/4" in end.err for end in ends), "one has done all of it"
    ledger = ledger_of(tmp_path)
    assert len(cells(ledger)) == 4
    assert len(ledger.study_names()) == 1


def test_a_worker_that_dies_takes_nothing_with_it(tree: Path, tmp_path: Path) -> None:
    args = compare(tree, *TWO, "--epochs", "12")
    process = start(tmp_path / "killed", *args, "--jobs", "2")
    seen = until(process, "epoch 2/12")
    os.kill(children(process.pid)[0], signal.SIGKILL)
    killed = ended(process, tmp_path / "killed", seen=seen)
    assert killed.status == 0, killed.err
    assert "its process died (killed by SIGKILL, perhaps for want of memory); it goes on" in killed.err
    assert "goes on after epoch" in killed.err
    whole = ended(start(tmp_path / "whole", *args), tmp_path / "whole")
    ledger = ledger_of(killed.folder)
    assert cells(ledger) == cells(ledger_of(whole.folder))
    (dead,) = ledger.search("attributes.status = 'KILLED'")
    assert "ended without a word after" in dead.data.tags[NOTE]


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


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("if self.steps > 9: x = x * float('nan')", "Diverged: the training loss became nan in epoch 2"),
        ("if self.steps > 9: torch.empty(2**60)", "RuntimeError: "),
        ("if self.steps > 9: open('/no/such/file')", "FileNotFoundError: "),
    ],
)
def test_a_cell_that_fails_is_told_with_its_reason(
    tree: Path, tmp_path: Path, fault: str, reason: str
) -> None:
    args = compare(tree, "--only", "proposed", *own(tmp_path / "own", fault), "--epochs", "2")
    end = ended(start(tmp_path, *args), tmp_path)
    assert end.status == 1
    assert f"failed  net (frame): {reason}" in end.out
    assert "Traceback" not in end.err
    assert len(cells(ledger_of(tmp_path))) == 1
    assert reason.split(":")[0] in next(tmp_path.rglob("report.md")).read_text()


def test_a_full_disk_stops_the_study_which_goes_on_when_there_is_room(tree: Path, tmp_path: Path) -> None:
    args = compare(tree, "--only", "vgg16", "--epochs", "6", "--width", "0.125")
    process = start(tmp_path, *args)
    seen = until(process, "epoch 2/6")
    # No file may grow beyond what a checkpoint takes: to whoever writes one, a disk that is full.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
    full = ended(process, tmp_path, seen=seen)
    assert full.status == 1
    assert "error: the disk is full" in full.err
    assert "Traceback" not in full.err
    again = ended(start(tmp_path, *args), tmp_path)
    assert again.status == 0, again.err
    assert "goes on after epoch" in again.err
    whole = ended(start(tmp_path / "whole", *args), tmp_path / "whole")
    assert cells(ledger_of(tmp_path)) == cells(ledger_of(whole.folder))


def test_images_that_vanish_while_a_study_runs_change_nothing(tree: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tree, tmp_path / "tree"))
    process = start(tmp_path / "cut", *compare(copy, *TWO, "--epochs", "4"))
    seen = until(process, "epoch 2/4")
    shutil.rmtree(copy)
    cut = ended(process, tmp_path / "cut", seen=seen)
    assert cut.status == 0, cut.err
    whole = ended(start(tmp_path / "whole", *compare(tree, *TWO, "--epochs", "4")), tmp_path / "whole")
    assert cells(ledger_of(cut.folder)) == cells(ledger_of(whole.folder))


CLOCK = """
import itertools, sys, time
real, calls = time.time, itertools.count()
# Forwards and back by a day, again and again.
time.time = lambda: real() + (86_400, -86_400, 0)[next(calls) // 40 % 3]
sys.argv[0] = "harness"
from harness.cli import main
main()
"""


def test_a_clock_that_jumps_changes_nothing(tree: Path, tmp_path: Path) -> None:
    args = compare(tree, *TWO, "--epochs", "4")
    whole = ended(start(tmp_path / "whole", *args), tmp_path / "whole")
    jumping = tmp_path / "jumping"
    for epoch in ("epoch 2/4", None):
        process = start(jumping, *args, code=CLOCK)
        seen = until(process, epoch) if epoch else ""
        if epoch:
            process.kill()
        end = ended(process, jumping, seen=seen)
    assert end.status == 0, end.err
    assert cells(ledger_of(jumping)) == cells(ledger_of(whole.folder))
    states = [run.info.status for run in ledger_of(jumping).search("tags.`harness.key` != ''")]
    assert Counter(states) == {"FINISHED": 2, "KILLED": 1}
