"""Tests of how many cells share a machine, and of the order in which they start."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from architectures.catalogue import get_architecture, with_width
from architectures.spec import ArchitectureSpec
from datasets.spec import DatasetSpec
from harness.planning.resources import (
    MAX_CELLS_PER_CPU,
    cells_per_cpu,
    limit_cells_by_memory,
    list_gpus,
    read_machine_memory,
    sort_longest_first,
)
from studies.spec import RunSpec, TrainingSpec


def small_run() -> RunSpec:
    """Return the run of a narrow network on small images."""
    return RunSpec(
        dataset=DatasetSpec(name="casme2", frame_policy="apex", image_size=32),
        fingerprint="f",
        protocol="kfold",
        fold=0,
        architecture=with_width(get_architecture("proposed"), 0.125),
        training=TrainingSpec(epochs=3),
    )


def test_cells_are_sorted_stably_from_the_longest() -> None:

    short = small_run()
    long = replace(short, training=replace(short.training, epochs=2 * short.training.epochs))
    wide = replace(short, architecture=replace(short.architecture, width=4 * short.architecture.width))
    missing = replace(short, architecture=ArchitectureSpec(name="missing", network="missing"))
    tested = replace(wide, variant="robustness")
    again = replace(short, seed=short.seed + 1)
    order = sort_longest_first([tested, short, again, long, wide, missing], num_classes=5)
    assert order == [missing, wide, long, short, again, tested]


def test_largest_network_decides_how_many_cells_fit_into_a_gpu() -> None:
    small = small_run()
    large = replace(small, dataset=replace(small.dataset, image_size=224))
    large = replace(large, architecture=replace(large.architecture, width=1.0))
    memory = 16 * 2**30
    assert limit_cells_by_memory([small], num_classes=5, memory=memory) > 4
    of_both = limit_cells_by_memory([small, large], num_classes=5, memory=memory)
    assert of_both == limit_cells_by_memory([large], num_classes=5, memory=memory) < 4
    assert limit_cells_by_memory([small], num_classes=5, memory=2**30) == 1
    evaluation = replace(large, variant="robustness")
    assert limit_cells_by_memory([small, evaluation], num_classes=5, memory=memory) > 4


def count_cells(runs: list[RunSpec], cores: int, memory: float = 128 * 2**30, images: int = 10**6) -> int:
    return cells_per_cpu(runs, num_classes=5, image_count=images, cores=cores, memory=memory)


def test_cell_count_leaves_few_idle_cores() -> None:

    def seeds(number: int) -> list[RunSpec]:
        return [replace(small_run(), seed=seed) for seed in range(number)]

    assert count_cells(seeds(10), cores=2) == 2
    assert count_cells(seeds(5), cores=2) == 1, "a fifth cell would get one core for half of the time"
    assert count_cells(seeds(9), cores=2) == 2
    assert count_cells(seeds(10), cores=16) == 5, "with three threads per cell"
    assert count_cells(seeds(1000), cores=64) == MAX_CELLS_PER_CPU
    assert count_cells(seeds(10), cores=1) == 1
    assert count_cells(seeds(10), cores=2, memory=3 * 2**30) == 1, "no room for two"
    assert count_cells(seeds(10), cores=2, images=10**8) == 1, "every process has its own copy of the images"
    assert count_cells(seeds(10), cores=2, memory=math.inf) == 1, "the memory is unknown"
    assert count_cells(seeds(10), cores=2, images=1) == 1, "cells finish before other processes start"
    assert count_cells([replace(small_run(), variant="robustness")], cores=2) == 1


@pytest.mark.parametrize(
    ("value", "gpus"), [("2", ("2",)), ("0,3", ("0", "3")), ("GPU-a1,MIG-b2", ("GPU-a1", "MIG-b2"))]
)
def test_gpus_are_those_that_cuda_shows(
    monkeypatch: pytest.MonkeyPatch, value: str, gpus: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert list_gpus() == gpus


@pytest.mark.parametrize(
    ("cgroup", "file"),
    [
        ("0::/user.slice/job", "sys/fs/cgroup/user.slice/job/memory.max"),
        ("0::/user.slice/job", "sys/fs/cgroup/user.slice/memory.max"),
        ("5:memory:/job", "sys/fs/cgroup/memory/job/memory.limit_in_bytes"),
    ],
)
def test_memory_is_limited_by_the_control_group_and_its_ancestors(
    tmp_path: Path, cgroup: str, file: str
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(f"{cgroup}\n")
    whole = read_machine_memory(system=tmp_path)
    assert whole > 1e6, "the memory of this machine"
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("max\n")
    assert read_machine_memory(system=tmp_path) == whole
    (tmp_path / file).write_text("123456\n")
    assert read_machine_memory(system=tmp_path) == 123456
