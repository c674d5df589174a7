"""Tests of cells that fail: by an error, or because the process dies that runs them; the others go on."""

import re
from pathlib import Path

import pytest

from harness.tracking.tags import NOTE_TAG
from harness.tracking.tracker import Tracker
from tests.harness.processes import finish, fork
from tests.harness.scheduling.finished_cells import cells
from tests.harness.tiny import Run

pytestmark = pytest.mark.slow

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--batch", "8", "--epochs", "2")
NET = """
import os, signal, sys
import torch
from multiprocessing import current_process
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
    return ("compare", "--dataset", "casme2", "--root", tree, *TINY, "--only", "proposed", *more)


def own(folder: Path, fault: str, *, name: str = "net") -> tuple[str, ...]:
    """Write a user network that executes `fault` in its forward pass, and return its command-line option."""
    folder.mkdir(exist_ok=True)
    (folder / "net.py").write_text(NET.format(fault=fault, name=name))
    return "--architecture", f"{folder / 'net.py'}:{name}"


def test_a_worker_that_dies_takes_nothing_with_it_and_a_cell_that_always_kills_its_worker_fails(
    tree: Path, tmp_path: Path
) -> None:
    # Only a worker is a daemon; the study's own process times the networks beforehand.
    marker = tmp_path / "has-died"
    once = (
        f"if self.steps > 9 and current_process().daemon and not os.path.exists({str(marker)!r}): "
        f"os.mkdir({str(marker)!r}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    always = "if self.steps > 3 and current_process().daemon: os.kill(os.getpid(), signal.SIGSEGV)"
    nets = (*own(tmp_path / "own1", once, name="once"), *own(tmp_path / "own2", always, name="always"))
    end = finish(fork(tmp_path, *compare(tree, *nets, "--jobs", "2")), tmp_path)
    ledger = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")

    assert end.status == 1
    assert "its process died (killed by SIGKILL, possibly out of memory); restarting it" in end.err
    assert "failed  always (frame): its process died (killed by SIGSEGV), 3 times" in end.out
    result, _ = ledger.load_study(end.out.split("study   ")[1].split("\n")[0])
    assert {r.spec.architecture.name for r in result.results} == {"proposed", "once"}
    assert [f.reason for f in result.failures] == ["its process died (killed by SIGSEGV), 3 times"]
    assert len(cells(ledger)) == 2
    (dead,) = ledger.search_runs("attributes.status = 'KILLED' and tags.`mlflow.runName` LIKE 'once%'")
    assert ") died after" in dead.data.tags[NOTE_TAG]
    assert "its process died" in next(tmp_path.rglob("report.md")).read_text()


FAULTS = {
    "if self.steps > 9: x = x * float('nan')": "DivergenceError: the training loss became nan in epoch 2",
    "if self.steps > 9: torch.empty(2**60)": "RuntimeError: ",
    "if self.steps > 9: open('/no/such/file')": "FileNotFoundError: ",
    "if self.steps > 9: sys.exit('enough')": "SystemExit: enough",
}


def test_failed_cells_are_listed_with_their_reasons(harness: Run, tree: Path, tmp_path: Path) -> None:
    nets = [own(tmp_path / f"own{number}", fault, name=f"net{number}") for number, fault in enumerate(FAULTS)]
    status, out, err = harness(*compare(tree, *sum(nets, ())))
    assert status == 1
    assert "Traceback" not in err
    report = next(tmp_path.rglob("report.md")).read_text()
    for number, reason in enumerate(FAULTS.values()):
        assert f"failed  net{number} (frame): {reason}" in out
        place = "harness/training/train.py" if "DivergenceError" in reason else "net.py:14"
        assert re.search(rf"\({place}.*; traceback: traceback.txt of MLflow run \w+\n", out)
        assert reason.split(":")[0] in report
    assert len(cells(Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}"))) == 1
