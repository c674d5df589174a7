"""Tests of faults around a study (disk, images, clock, server, a second process) and of cells that fail."""

import resource
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from harness.tracking.tags import KEY_TAG
from harness.tracking.tracker import Tracker
from harness.training.snapshot import count_epochs
from tests.harness.processes import create_tables, finish, fork, read_until
from tests.harness.scheduling.finished_cells import cells
from tests.harness.tracking.servers import Server, serve

pytestmark = pytest.mark.slow

TINY = ("--preset", "quick", "--image-size", "32", "--width", "0.0625", "--batch", "8", "--epochs", "4")
Cells = dict[str, list[tuple[str, ...]]]
TWO = ("--only", "proposed", "--only", "vgg16-bn-gap")


def compare(tree: Path, *more: object) -> tuple[object, ...]:
    return ("compare", "--dataset", "casme2", "--root", tree, *TINY, *more)


@pytest.fixture(scope="module")
def reference_cells(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Cells:
    """Return the predictions of the two networks' cells in an undisturbed study."""
    end = finish(fork(folder := tmp_path_factory.mktemp("undisturbed"), *compare(tree, *TWO)), folder)
    assert end.status == 0, end.err
    return cells(open_tracker(folder))


def open_tracker(folder: Path) -> Tracker:
    return Tracker(f"sqlite:///{folder / 'mlflow.db'}")


def test_unavailable_tracking_server_loses_no_write(
    tree: Path, tmp_path: Path, reference_cells: Cells
) -> None:
    create_tables(store := f"sqlite:///{tmp_path / 'server.db'}")
    server = Server(tmp_path, store, variables={})
    with serve(server):
        process = fork(tmp_path / "served", *compare(tree, *TWO), "--tracking-uri", server.uri)
        seen = read_until(process, "epoch 2/4")
        server.end(signal.SIGKILL)
        # Training continues; the end of the cell waits for the server.
        seen += read_until(process, "is unavailable")
        server.start()
        served = finish(process, tmp_path / "served", seen=seen)
        assert served.status == 0, served.err
        assert "is back: sending the held writes" in served.err
        tracker = Tracker(server.uri)
        assert cells(tracker) == reference_cells
        for run in tracker.search_runs("attributes.status = 'FINISHED'"):
            if KEY_TAG in run.data.tags:
                metrics = tracker.client.get_metric_history(run.info.run_id, "train/loss")
                assert [metric.step for metric in metrics] == list(range(1, 5))


def test_concurrent_processes_share_a_study(tree: Path, tmp_path: Path) -> None:
    args = compare(tree, *TWO, "--seeds", "2")
    both = [fork(tmp_path, *args) for _ in range(2)]
    ends = [finish(process, tmp_path) for process in both]
    assert [end.status for end in ends] == [0, 0], ends
    output = "".join(end.err for end in ends)
    assert output.count("epoch 4/4") == 4
    assert all("epoch 4/4" in end.err for end in ends), "one process ran all cells"
    tracker = open_tracker(tmp_path)
    assert len(cells(tracker)) == 4
    assert len(tracker.list_study_names()) == 1


SLOW = """
import time
from pathlib import Path
from torch import nn

class Slow(nn.Sequential):
    def forward(self, x):
        time.sleep(0.2 * (self.training and Path({slow!r}).exists()))
        return super().forward(x)

def slow(classes):
    return Slow(nn.Flatten(), nn.Linear(3 * 32 * 32, 150), nn.ReLU(), nn.Linear(150, classes))
"""
"""A network whose epochs are so slow at first that a checkpoint is due often; its checkpoints have 6 MB."""


def test_full_disk_stops_the_study_and_space_lets_it_resume(tree: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.touch()
    (tmp_path / "net.py").write_text(SLOW.format(slow=str(slow)))
    net = f"{tmp_path / 'net.py'}:slow"
    args = compare(tree, "--only", "proposed", "--architecture", net, "--epochs", "12")
    process = fork(tmp_path, *args, "--jobs", "1")
    seen = read_until(process, "slow · frame")
    (folder,) = (tmp_path / "cache" / "unfinished").iterdir()
    while not any(count_epochs(file) > 1 for file in folder.glob("*.even")):
        assert process.poll() is None
        time.sleep(0.1)
    # Limit the file size to less than a checkpoint; writing one then fails as on a full disk.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
    full = finish(process, tmp_path, seen=seen)
    assert full.status == 1
    assert "error: the disk is full" in full.err
    assert "Traceback" not in full.err
    assert "resumed after epoch" not in full.err
    slow.unlink()
    again = finish(fork(tmp_path, *args), tmp_path)
    assert again.status == 0, again.err
    assert "resumed after epoch" in again.err
    reference = finish(fork(tmp_path / "whole", *args), tmp_path / "whole")
    assert cells(open_tracker(tmp_path)) == cells(open_tracker(reference.folder))


def test_deleted_images_do_not_affect_a_running_study(
    tree: Path, tmp_path: Path, reference_cells: Cells
) -> None:
    copy = Path(shutil.copytree(tree, tmp_path / "tree"))
    process = fork(tmp_path / "cut", *compare(copy, *TWO))
    seen = read_until(process, "epoch 2/4")
    shutil.rmtree(copy)
    cut = finish(process, tmp_path / "cut", seen=seen)
    assert cut.status == 0, cut.err
    assert cells(open_tracker(cut.folder)) == reference_cells


CLOCK = """
import itertools, time
real, calls = time.time, itertools.count()
# Forwards and back by a day, again and again.
time.time = lambda: real() + (86_400, -86_400, 0)[next(calls) // 40 % 3]
"""


def test_clock_jump_changes_nothing(tree: Path, tmp_path: Path, reference_cells: Cells) -> None:
    args = compare(tree, *TWO)
    jumping = tmp_path / "jumping"
    for epoch in ("epoch 2/4", None):
        process = fork(jumping, *args, code=CLOCK)
        seen = read_until(process, epoch) if epoch else ""
        if epoch:
            process.kill()
        end = finish(process, jumping, seen=seen)
    assert end.status == 0, end.err
    assert cells(open_tracker(jumping)) == reference_cells
    states = [run.info.status for run in open_tracker(jumping).search_runs("tags.`harness.key` != ''")]
    assert Counter(states) == {"FINISHED": 2, "KILLED": 1}
