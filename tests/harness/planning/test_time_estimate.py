"""Tests of the time estimate from timed steps; the networks here log the batches that they receive."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from architectures.catalogue import CATALOGUE, with_width
from architectures.spec import ArchitectureSpec
from architectures.user import load_user_spec
from datasets.corruptions import CORRUPTIONS, STRENGTHS
from datasets.spec import DatasetSpec, Split
from harness.planning.step_timing import (
    BATCH_MULTIPLES,
    IDLE_CORE_SHARE,
    LARGE_IMAGE_SIZE,
    MAX_REPEATS,
    SMALL_BATCH,
    TIMING_IMAGE_SIZE,
    idle_timer,
    measure_core_share,
    measure_speed,
)
from harness.planning.time_estimate import (
    CELL_OVERHEAD,
    ERROR_FACTOR,
    POOL_STARTUP,
    TimeEstimate,
    estimate_study,
)
from harness.runs.claim_checks import MAX_SECONDS
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
        self.works = [later, first]

    def forward(self, x):
        with SAID.open("a") as file:
            print(*x.shape, file=file)
        # Processor time, which passes as slowly on a busy machine.
        end = time.thread_time() + (self.works.pop() if len(self.works) > 1 else self.works[0])
        while time.thread_time() < end:
            pass
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
def log(tmp_path: Path) -> Path:
    """Write net.py and return the file in which its networks log each batch."""
    (tmp_path / "net.py").write_text(NET.format(said=str(tmp_path / "said.txt")))
    return tmp_path / "said.txt"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread, for which the estimate assumes no speedup on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(arm: str | ArchitectureSpec, *, size: int = 32) -> RunSpec:
    return RunSpec(
        dataset=DatasetSpec(name="folder", frame_policy="all", image_size=size),
        fingerprint="",
        protocol="frame",
        fold=0,
        architecture=load_user_spec(f"net.py:{arm}") if isinstance(arm, str) else arm,
        training=TrainingSpec(epochs=3, batch_size=4),
        seed=0,
    )


def splits(*sizes: int) -> tuple[Split, ...]:
    """Return a split for each training size, with 2 validation and 2 test samples."""
    return tuple(
        Split(protocol="frame", fold=0, seed=0, train=tuple(range(size)), validation=(0, 1), test=(0, 1))
        for size in sizes
    )


def estimate(runs: Sequence[RunSpec], splits: Sequence[Split], *, slots: int = 1) -> tuple[float, float]:
    """Return the estimated bounds without their margins."""
    result = estimate_study(runs, splits, num_classes=2, device=CPU, slots=slots)
    assert result
    return result.low * ERROR_FACTOR, result.high / ERROR_FACTOR


def test_estimate_multiplies_the_step_time_of_a_network(log: Path) -> None:
    one = run("even")
    low, high = estimate([one, replace(one, training=TrainingSpec(epochs=5, batch_size=4))], splits(8))
    lines = log.read_text().splitlines()
    assert (set(lines), len(lines) <= 2 * MAX_REPEATS) == ({"4 3 32 32"}, True), (
        "training steps and evaluations"
    )
    # 0.01 s per image: 8 training and 2 validation images, 8 epochs in all; 2 test images, twice.
    assert 0.8 + 0.04 <= high - 2 * CELL_OVERHEAD < 3
    assert low == pytest.approx(high), "no training stops early"


def test_lower_bound_assumes_earliest_stopping(log: Path) -> None:
    patient = replace(run("even"), training=TrainingSpec(epochs=50, batch_size=4, patience=4))
    low, high = estimate([patient], splits(8))
    assert (high - CELL_OVERHEAD) / (low - CELL_OVERHEAD) == pytest.approx(10, rel=0.1)


def test_every_fold_counts_with_its_own_size(log: Path) -> None:
    small, large = (replace(split, fold=fold) for fold, split in enumerate(splits(4, 400)))
    first = replace(run("even"), folds=2)
    low = estimate([first], (small, large))[1]
    assert estimate([replace(first, fold=1)], (small, large))[1] > 10 * (low - CELL_OVERHEAD) + CELL_OVERHEAD


@pytest.mark.slow
def test_parallel_cells_share_the_time(log: Path) -> None:
    runs = [replace(run("even"), seed=seed) for seed in range(4)]
    one, two = (estimate(runs, splits(400), slots=slots)[1] for slots in (1, 2))
    assert (two - POOL_STARTUP) / one == pytest.approx(0.5, rel=0.3)
    uneven = estimate(runs[:3], splits(400), slots=2)[1]
    assert uneven == pytest.approx(two, rel=0.3), "three cells take two rounds"


def test_first_step_is_excluded(log: Path) -> None:
    assert 0 < estimate([run("slow_start")], splits(4))[1] - CELL_OVERHEAD < 3 * 0.2


@pytest.mark.slow
def test_cpu_times_few_large_images(log: Path) -> None:
    estimate([run("even", size=LARGE_IMAGE_SIZE)], splits(8))
    shapes = {tuple(map(int, line.split())) for line in log.read_text().splitlines()}
    assert {shape[2:] for shape in shapes} == {(LARGE_IMAGE_SIZE, LARGE_IMAGE_SIZE)}, (
        "it may accept no other size"
    )
    assert (
        {SMALL_BATCH}
        < {shape[0] for shape in shapes}
        <= set(range(SMALL_BATCH, SMALL_BATCH * BATCH_MULTIPLES[1] + 1))
    )
    arm = with_width(CATALOGUE["proposed"], 0.125)
    with idle_timer(CPU, threads=1, busy=True) as timer:
        small, large = (
            measure_speed(run(arm, size=size), timer, num_classes=2)
            for size in (2 * TIMING_IMAGE_SIZE, 8 * TIMING_IMAGE_SIZE)
        )
    # Both are timed at the same size; sixteen times the pixels are sixteen times the work.
    assert 8 < large.training / small.training < 32
    assert 8 < large.evaluation / small.evaluation < 32


def test_evaluation_runs_are_timed_by_their_reads(log: Path) -> None:
    one = run("even")
    tested, clean = replace(one, variant="robustness"), replace(one, variant="identity-probe")
    assert estimate([clean], splits(400))[1] > CELL_OVERHEAD + 4
    assert estimate([tested], splits(400))[1] > CELL_OVERHEAD + 0.02 * len(CORRUPTIONS) * len(STRENGTHS)
    log.unlink()
    assert estimate([replace(one, variant="latency")] * 2, splits(8), slots=2)[1] >= 2 * MAX_SECONDS, (
        "latencies run one by one"
    )
    assert not log.exists()


def test_no_estimate_without_runs_or_with_a_broken_network(log: Path) -> None:
    good = run(with_width(CATALOGUE["proposed"], 0.0625))
    for runs in ([], [good, run("broken")], [good, run(ArchitectureSpec(name="x", network="nosuch"))]):
        assert estimate_study(runs, splits(8), num_classes=2, device=CPU, slots=1) is None


def test_estimate_preserves_random_state_and_thread_count() -> None:
    arm = with_width(CATALOGUE["proposed"], 0.0625)
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert estimate([run(arm)], splits(1), slots=2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_work_of_other_processes_is_detected() -> None:
    endless = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(endless) for _ in range(3 * (os.cpu_count() or 1))]
    try:
        arm = with_width(CATALOGUE["vgg16-bn-gap"], 0.0625)
        result = estimate_study([run(arm)], splits(1), num_classes=2, device=CPU, slots=1)
        assert (measure_core_share() < IDLE_CORE_SHARE, result and result.busy) == (True, True)
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_waiting_on_a_busy_machine_is_excluded() -> None:
    def work() -> None:
        time.sleep(0.05)
        assert torch.get_num_threads() == 1

    with idle_timer(CPU, threads=4, busy=True) as timer:
        assert timer.time_fastest(work) < 0.02
    with idle_timer(CPU, threads=1, busy=False) as timer:
        assert timer.time_fastest(work) >= 0.05


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (720, 1500, "12 to 25 min"),
        (45, 130, "45 s to 2 min"),
        (8.6, 9.4, "about 9 s"),
        (7200, 9000, "2 h 0 min to 2 h 30 min"),
    ],
)
def test_time_range_is_rounded_text(low: float, high: float, text: str) -> None:
    assert str(TimeEstimate(low=low, high=high)) == text


@pytest.mark.slow
def test_record_costs_one_more_prediction_of_the_test_set_an_epoch(log: Path) -> None:
    one = run("even")
    many = (replace(splits(8)[0], test=tuple(range(400))),)
    bounds = [
        estimate_study([spec], many, num_classes=2, device=CPU, slots=1, epoch_record=has_record)
        for spec, has_record in ((one, False), (one, True), (replace(one, variant="shuffled-labels"), True))
    ]
    clean, recorded, control = (bound.high for bound in bounds if bound)
    # 0.01 s per image, 400 images, 3 epochs.
    assert recorded - clean == pytest.approx(12 * ERROR_FACTOR, rel=0.4)
    assert control == pytest.approx(clean, rel=0.4)
