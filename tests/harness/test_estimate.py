"""The time a study should take, from timed steps of each network; those here note what they are given."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from architectures.catalogue import CATALOGUE, scaled
from architectures.spec import ArchitectureSpec
from architectures.user import described
from datasets.spec import DatasetSpec, Split
from harness.estimate import AROUND, LARGE, PROBE, upper_bound
from harness.training.checks import SECONDS
from studies.spec import RunSpec, TrainingSpec

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


def splits(*sizes: int) -> tuple[Split, ...]:
    """A split for each size of a training part, with 2 samples to validate and 2 to test on."""
    return tuple(
        Split(protocol="frame", fold=0, seed=0, train=tuple(range(size)), validation=(0, 1), test=(0, 1))
        for size in sizes
    )


def test_a_network_is_probed_once_and_counts_for_every_image_epoch_and_run(said: Path) -> None:
    one = run("even")
    runs = [one, replace(one, seed=1), replace(one, training=TrainingSpec(epochs=5, batch=4))]
    found = upper_bound(runs, splits(4, 8), classes=2, device=CPU)
    assert said.read_text().splitlines() == ["4 3 32 32"] * 3, "a step to warm up, a step and an answer"
    # 0.01 s an image: 8 images to train on and 2 to validate, 11 epochs in all; 2 to test, three times.
    assert 1.1 + 0.06 <= found - 3 * AROUND < 3


def test_what_the_first_step_takes_is_not_counted(said: Path) -> None:
    found = upper_bound([run("slow_start")], splits(4), classes=2, device=CPU)
    assert 0 < found - AROUND < 3 * 0.2


def test_of_large_images_a_cpu_is_given_few(said: Path) -> None:
    upper_bound([run("even", size=LARGE)], splits(8), classes=2, device=CPU)
    assert set(said.read_text().splitlines()) == {f"{PROBE} 3 {LARGE} {LARGE}"}


def test_runs_that_train_nothing_take_what_they_read(said: Path) -> None:
    one = run("even")
    tested, clean = replace(one, control="robustness"), replace(one, control="identity-probe")
    found = [upper_bound([each], splits(8), classes=2, device=CPU) - AROUND for each in (clean, tested)]
    assert found[1] > 5 * found[0] > 0, "every corruption at every strength is answered"
    said.unlink()
    timed = upper_bound([replace(one, control="latency")], splits(8), classes=2, device=CPU)
    assert timed >= SECONDS
    assert not said.exists()


def test_there_is_no_estimate_where_one_network_cannot_be_trained(said: Path) -> None:
    good = run(scaled(CATALOGUE["proposed"], 0.0625))
    for bad in (run("broken"), run(ArchitectureSpec(name="x", network="nosuch"))):
        assert upper_bound([good, bad], splits(8), classes=2, device=CPU) == 0


def test_the_study_draws_the_same_whether_or_not_it_was_estimated() -> None:
    arm = scaled(CATALOGUE["proposed"], 0.0625)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert upper_bound([run(arm)], splits(1), classes=2, device=CPU) > 0
    assert torch.equal(torch.rand(3), expected)
