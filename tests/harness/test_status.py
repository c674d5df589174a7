"""`harness status` while a study runs, after it was killed, and when it is done."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.harness.test_cli import ROOT
from tests.harness.test_cluster import until
from tests.harness.tiny import Run

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--batch", "8", "--epochs", "6")


def test_a_study_is_shown_as_it_runs_as_it_is_left_and_as_it_is_done(
    harness: Run, tree: Path, tmp_path: Path
) -> None:
    assert harness("status", "--json")[1] == "[]\n"
    assert not (tmp_path / "mlflow.db").exists()
    args = ("compare", "--dataset", "casme2", "--root", str(tree), *TINY)
    args += ("--only", "proposed", "--only", "vgg16-bn-gap", "--seeds", "2")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *args],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(process, "[2/4]")
    until(process, "epoch 2/6")
    process.send_signal(signal.SIGSTOP)
    (running,) = json.loads(harness("status", "--json")[1])
    assert (running["state"], running["cells"], running["done"], running["left"]) == ("running", 4, 1, 3)
    (cell,) = running["running"]
    assert cell["epoch"] in (1, 2, 3)
    assert cell["epochs"] == 6
    assert f"process {process.pid}" in cell["process"]
    assert running["seconds_left"] > 0
    words = harness("status")[1]
    assert "running: 1 of 4 cells done, 3 left, about" in words
    process.send_signal(signal.SIGKILL)
    process.communicate()

    (stopped,) = json.loads(harness("status", running["study"], "--json")[1])
    assert (stopped["state"], stopped["left"], stopped["running"]) == ("stopped", 3, [])
    assert "the command that began it goes on with it" in harness("status")[1]

    assert harness(*args)[0] == 0
    (done,) = json.loads(harness("status", "--json")[1])
    assert (done["state"], done["done"], done["left"]) == ("done", 4, 0)


def test_a_study_that_is_not_there_is_told_with_those_that_are(harness: Run) -> None:
    status, _, err = harness("status", "x", "--tracking-uri", "sqlite:///y.db")
    assert status == 2
    assert "no study 'x' on sqlite:///y.db; studies there: none" in err


def test_failed_cells_are_named_with_their_reason_and_run_again_only_when_asked(
    harness: Run, tree: Path, tmp_path: Path
) -> None:
    net = tmp_path / "net.py"
    net.write_text(
        "from pathlib import Path\n"
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, classes):\n"
        "        super().__init__()\n"
        "        self.last = nn.Linear(3, classes)\n"
        "    def forward(self, x):\n"
        f"        if self.training and not Path({str(tmp_path / 'mended')!r}).exists():\n"
        "            raise OSError('the disk that holds it was pulled out')\n"
        "        return self.last(x.mean((2, 3)))\n"
        "def net(classes):\n"
        "    return Net(classes)\n"
    )
    args = ("compare", "--dataset", "casme2", "--root", str(tree), *TINY, "--only", "proposed")
    args += ("--architecture", f"{net}:net")
    status, out, _ = harness(*args)
    assert status == 1
    assert "the disk that holds it was pulled out" in out
    assert "OSError: the disk that holds it was pulled out" in harness("status")[1]

    status, _, err = harness(*args)
    assert status == 1
    assert "epoch 1/6" not in err, "nothing is run"
    assert "--retry-failed" in err

    (tmp_path / "mended").touch()
    status, _, err = harness(*args, "--retry-failed")
    assert status == 0
    assert err.count("epoch 6/6") == 1
    assert "proposed" not in err.split("study ")[-1], "just the cell that had failed"
    assert json.loads(harness("status", "--json")[1])[0]["state"] == "done"
