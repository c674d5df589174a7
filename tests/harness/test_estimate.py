"""The time a study should take, from one timed step of each network; those here note what they are given."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from architectures.catalogue import CATALOGUE, scaled
from architectures.spec import ArchitectureSpec
from architectures.user import described
from datasets.spec import DatasetSpec
from harness.estimate import LARGE, PROBE, upper_bound
from studies.spec import READERS, RunSpec, TrainingSpec

CPU = torch.device("cpu")
NET = """
import time
from pathlib import Path

import torch
from torch import nn

SAID = Path({said!r})


class Net(nn.Module):
    def __init__(self, classes, first, later):
        super().__init__()
        self.line = nn.Linear(3, classes)
        self.naps = [later, first]

    def forward(self, x):
        assert self.training
        with SAID.open("a") as file:
            print(*x.shape, file=file)
        time.sleep(self.naps.pop() if len(self.naps) > 1 else self.naps[0])
        return self.line(x.mean((2, 3)))


class Broken(Net):
    def forward(self, x):
        raise RuntimeError("no")


def even(classes):
    return Net(classes, 0.04, 0.04)


def slow_start(classes):
    return Net(classes, 0.4, 0.0)


def broken(classes):
    return Broken(classes, 0.0, 0.0)
"""


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """Where the networks of net.py note each batch they are given."""
    (tmp_path / "net.py").write_text(NET.format(said=str(tmp_path / "said.txt")))
    return tmp_path / "said.txt"


def run(arm: str | ArchitectureSpec, *, size: int = 32) -> RunSpec:
    return RunSpec(
        dataset=DatasetSpec(name="folder", frames="all", image_size=size),
        fingerprint="",
        protocol="frame",
        fold=0,
        architecture=described(f"net.py:{arm}") if isinstance(arm, str) else arm,
        training=TrainingSpec(epochs=3, batch=4),
        seed=0,
    )


def test_a_step_is_taken_once_a_network_and_counts_for_every_image_epoch_and_run(said: Path) -> None:
    one = run("even")
    runs = [one, replace(one, seed=1), replace(one, training=TrainingSpec(epochs=5, batch=4))]
    found = upper_bound(runs, samples=8, classes=2, device=CPU)
    assert said.read_text().splitlines() == ["4 3 32 32"] * 2, "one to warm up, one that counts"
    # 0.01 s an image, 8 images, 11 epochs in all.
    assert 0.88 <= found < 3


def test_what_the_first_step_takes_is_not_counted(said: Path) -> None:
    found = upper_bound([run("slow_start")], samples=4, classes=2, device=CPU)
    assert 0 < found < 3 * 0.2


def test_of_large_images_a_cpu_is_given_few(said: Path) -> None:
    upper_bound([run("even", size=LARGE)], samples=8, classes=2, device=CPU)
    assert said.read_text().splitlines() == [f"{PROBE} 3 {LARGE} {LARGE}"] * 2


def test_runs_that_train_nothing_take_no_time_and_are_not_probed(said: Path) -> None:
    one = run("even")
    readers = [replace(one, control=control) for control in READERS]
    assert upper_bound(readers, samples=8, classes=2, device=CPU) == 0
    assert not said.exists()
    trained = replace(one, control="cross-entropy")
    assert upper_bound([*readers, trained], samples=8, classes=2, device=CPU) > 0


def test_there_is_no_estimate_where_one_network_cannot_be_trained(said: Path) -> None:
    good = run(scaled(CATALOGUE["proposed"], 0.0625))
    for bad in (run("broken"), run(ArchitectureSpec(name="x", network="nosuch"))):
        assert upper_bound([good, bad], samples=8, classes=2, device=CPU) == 0


def test_the_study_draws_the_same_whether_or_not_it_was_estimated() -> None:
    arm = scaled(CATALOGUE["proposed"], 0.0625)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert upper_bound([run(arm)], samples=1, classes=2, device=CPU) > 0
    assert torch.equal(torch.rand(3), expected)
