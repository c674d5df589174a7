"""Tests of weight files: loading, the check of the run that they belong to, and files of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from harness.training.training_images import TrainingImages
from harness.training.weights import load_weights, read_training_images, save_weights
from tests.error_codes import raises_code

KEY, CLASSES = "0123456789abcdef", ("happy", 'a "b"\n|ü')


class TiedNetwork(nn.Module):
    """A network with two names for one weight and a layer whose old versions lack a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    original = TiedNetwork()
    original.get_buffer("norm.num_batches_tracked").fill_(7 + seed)
    return original.to(memory_format=torch.channels_last)


def save_network(folder: Path) -> tuple[nn.Module, Path]:
    original, path = network(0), folder / "weights.safetensors"
    save_weights(original.state_dict(), path, key=KEY, classes=CLASSES)
    return original, path


def test_weights_survive_a_round_trip(tmp_path: Path) -> None:
    original, path = save_network(tmp_path)
    other = network(1)
    load_weights(other, path, label="run 1", key=KEY)
    for name, tensor in original.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


def test_header_names_the_run_its_classes_and_the_versions_of_its_modules(tmp_path: Path) -> None:
    original, path = save_network(tmp_path)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    assert header["key"] == KEY
    assert tuple(json.loads(header["classes"])) == CLASSES
    assert json.loads(header["modules"]) == original.state_dict()._metadata  # type: ignore[attr-defined]


def test_earlier_version_of_a_module_is_loaded_as_one(tmp_path: Path) -> None:
    original, path = network(0), tmp_path / "weights.safetensors"
    state = original.state_dict()
    # Before version 2, batch norm did not count its batches.
    del state["norm.num_batches_tracked"]
    state._metadata["norm"]["version"] = 1  # type: ignore[attr-defined]
    save_weights(state, path, key=KEY, classes=CLASSES)
    load_weights(network(1), path, label="run 1", key=KEY)
    state._metadata["norm"]["version"] = 2  # type: ignore[attr-defined]
    save_weights(state, path, key=KEY, classes=CLASSES)
    with raises_code("weights.unreadable", "run 1"):
        load_weights(network(1), path, label="run 1", key=KEY)


def test_weights_of_another_run_are_refused(tmp_path: Path) -> None:
    _, path = save_network(tmp_path)
    with raises_code("weights.unreadable", "run 1"):
        load_weights(network(1), path, label="run 1", key="fedcba9876543210")


def test_weights_of_earlier_versions_are_loaded(tmp_path: Path) -> None:
    original, other = network(0), network(1)
    torch.save(original.state_dict(), tmp_path / "weights.pt")
    load_weights(other, tmp_path / "weights.pt", label="run 1", key=KEY)
    assert torch.equal(other.state_dict()["first.weight"], original.state_dict()["first.weight"])


class Exploit:
    """An object whose unpickling writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_weights_file_of_earlier_versions_runs_no_code(tmp_path: Path) -> None:
    torch.save({"weight": Exploit(tmp_path / "touched")}, tmp_path / "weights.pt")
    with raises_code("weights.unreadable", "UnpicklingError"):
        load_weights(network(1), tmp_path / "weights.pt", label="run 1", key=KEY)
    assert not (tmp_path / "touched").exists()


def test_header_holds_the_training_images(tmp_path: Path) -> None:
    images = TrainingImages(training=frozenset({b"123456", b"abcdef"}), validation=frozenset())
    path = tmp_path / "weights.safetensors"
    save_weights(network(0).state_dict(), path, key=KEY, classes=CLASSES, images=images)
    load_weights(network(1), path, label="run 1", key=KEY)
    assert read_training_images(path, label="run 1") == images
    assert read_training_images(save_network(tmp_path)[1], label="run 1") is None
    assert read_training_images(tmp_path / "weights.pt", label="run 1") is None
    path.write_bytes(b"text")
    with raises_code("weights.training-images-unreadable", "run 1"):
        read_training_images(path, label="run 1")


def test_full_disk_is_an_os_error() -> None:
    with pytest.raises(OSError, match="No space left on device"):
        save_weights(network(0).state_dict(), Path("/dev/full"), key=KEY, classes=CLASSES)
