from dataclasses import replace
from pathlib import Path

import pytest
import torch

from architectures.catalogue import get_architecture, with_width
from harness.bench.training_loops import (
    Workload,
    load_faces,
    time_harness_epochs,
    time_memory_epochs,
    write_image_files,
)
from studies.spec import TrainingSpec


@pytest.fixture
def workload(tree: Path) -> Workload:
    return Workload(
        spec=with_width(get_architecture("proposed"), 1 / 16),
        training=TrainingSpec(batch_size=4, engine="eager"),
        pixels=load_faces(tree, 32),
        steps=2,
        device=torch.device("cpu"),
    )


def test_workload_describes_its_images(workload: Workload) -> None:
    assert (workload.image_size, workload.images_per_epoch) == (32, 8)
    assert workload.classes == len(workload.pixels.table.classes)
    assert len(workload.pixels.images) == len(workload.pixels.table.samples)


def test_network_has_the_same_weights_at_every_call(workload: Workload) -> None:
    first, second = (workload.init_network().state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_network_has_the_requested_memory_layout(workload: Workload) -> None:
    network = workload.init_network(layout=torch.channels_last)
    convolution = next(module for module in network.modules() if isinstance(module, torch.nn.Conv2d))
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)


def test_data_repeats_too_few_images(workload: Workload) -> None:
    count = len(workload.pixels.table.samples)
    data = workload.load_data(count + 3)
    assert len(data) == count + 3
    assert torch.equal(data.images[:3], data.images[-3:])
    assert data.labels[:3].tolist() == [sample.label for sample in workload.pixels.table.samples[:3]]


def test_loops_yield_positive_seconds_for_every_epoch(workload: Workload) -> None:
    small = replace(workload, steps=1)
    for loop in (time_harness_epochs(small), time_memory_epochs(small)):
        assert all(next(loop) > 0 for _ in range(2))


def test_files_fill_a_folder_for_every_class(workload: Workload, tmp_path: Path) -> None:
    table = workload.pixels.table
    count = len(table.samples) + 2
    write_image_files(workload.pixels, tmp_path, count=count)
    files = list(tmp_path.rglob("*.jpg"))
    assert len(files) == count
    assert {path.parent.name for path in files} == set(table.classes)
    first = tmp_path / table.classes[table.samples[0].label] / "0.jpg"
    assert first.read_bytes() == Path(table.samples[0].path).read_bytes()
