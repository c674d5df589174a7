from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from harness.training.snapshot import (
    FORMAT_VERSION,
    READ_ERRORS,
    copy_state,
    count_bytes,
    count_epochs,
    read_snapshot,
    restore_state,
    write_snapshot,
)
from harness.training.train import TrainingState, clone_state_dict, init_state
from studies.results import Epoch
from studies.spec import TrainingSpec


def _build_state(width: int = 3) -> TrainingState:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.Linear(width, 2))
    return init_state(network, TrainingSpec(), seed=7)


def _train(state: TrainingState, accuracy: float) -> None:
    """Take one step, and add an epoch with this validation accuracy; keep the weights if it is the best."""
    state.optimizer.zero_grad()
    state.network(torch.randn(8, 4, generator=state.generator)).square().mean().backward()
    state.optimizer.step()
    is_best = all(accuracy > epoch.validation_accuracy for epoch in state.history)
    state.history.append(
        Epoch(
            number=len(state.history) + 1,
            train_loss=1.0,
            train_accuracy=0.5,
            validation_loss=1.0,
            validation_accuracy=accuracy,
            seconds=1.0,
        )
    )
    if is_best:
        state.best_weights = clone_state_dict(state.network)


@pytest.fixture
def state() -> TrainingState:
    """Return a state whose second epoch is worse than its first."""
    trained = _build_state()
    _train(trained, 0.75)
    _train(trained, 0.5)
    return trained


def _write(state: TrainingState, path: Path) -> Path:
    write_snapshot(copy_state(state, seconds=1.5), path, is_canceled=lambda: False)
    return path


def test_restored_state_continues_like_the_original(state: TrainingState, tmp_path: Path) -> None:
    path = _write(state, tmp_path / "new" / "snapshot")
    restored = _build_state()
    restore_state(read_snapshot(path), restored)
    assert restored.history == state.history
    assert all(
        torch.equal(restored.best_weights[name], tensor) for name, tensor in state.best_weights.items()
    )
    for continued in (state, restored):
        _train(continued, 0.9)
    weights, restored_weights = state.network.state_dict(), restored.network.state_dict()
    assert all(torch.equal(weights[name], restored_weights[name]) for name in weights)


def test_snapshot_does_not_change_with_further_training(state: TrainingState) -> None:
    snapshot = copy_state(state)
    before = {name: tensor.clone() for name, tensor in snapshot.tensors.items()}
    _train(state, 0.9)
    assert all(torch.equal(snapshot.tensors[name], tensor) for name, tensor in before.items())


def test_best_weights_are_not_duplicated_if_the_last_epoch_is_the_best(state: TrainingState) -> None:
    assert any(name.startswith("best ") for name in copy_state(state).tensors)
    smaller = count_bytes(state)
    _train(state, 0.9)
    assert not any(name.startswith("best ") for name in copy_state(state).tensors)
    assert count_bytes(state) < smaller


def test_file_states_its_epochs_and_costs(state: TrainingState, tmp_path: Path) -> None:
    path = _write(state, tmp_path / "snapshot")
    header = read_snapshot(path).header
    assert (header["format"], header["device"], header["seconds"]) == (FORMAT_VERSION, "cpu", 1.5)
    assert count_epochs(path) == 2
    assert count_epochs(tmp_path / "gone") == -1


def _cut(content: bytes) -> bytes:
    return content[:-1]


def _flip(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


def _clear_length(content: bytes) -> bytes:
    return bytes(8) + content[8:]


@pytest.mark.parametrize("damage", [_cut, _flip, _clear_length, lambda content: b"", lambda content: b"text"])
def test_damaged_file_is_refused(
    state: TrainingState, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = _write(state, tmp_path / "snapshot")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(READ_ERRORS):
        read_snapshot(path)


def test_canceled_write_leaves_no_valid_file(state: TrainingState, tmp_path: Path) -> None:
    path = _write(state, tmp_path / "snapshot")
    write_snapshot(copy_state(state), path, is_canceled=lambda: True)
    assert count_epochs(path) == -1


def test_snapshot_of_another_network_or_device_is_refused_and_changes_nothing(state: TrainingState) -> None:
    snapshot = copy_state(state)
    wide, other = _build_state(width=5), _build_state()
    weights = clone_state_dict(other.network)
    with pytest.raises(ValueError, match="another network"):
        restore_state(snapshot, wide)
    with pytest.raises(ValueError, match="a run on cuda"):
        restore_state(replace(snapshot, header={**snapshot.header, "device": "cuda"}), other)
    assert all(torch.equal(other.network.state_dict()[name], tensor) for name, tensor in weights.items())
    assert (wide.history, other.history) == ([], [])


def test_record_of_the_epochs_is_restored_only_where_it_is_kept(state: TrainingState) -> None:
    clean = copy_state(state)
    state.epoch_classes = [(0, 1, 1), (1, 1, 0)]
    recorded = copy_state(state)
    other, without = _build_state(), _build_state()
    other.epoch_classes = []
    with pytest.raises(ValueError, match="kept no record"):
        restore_state(clean, other)
    assert (other.history, other.epoch_classes) == ([], [])
    restore_state(recorded, other)
    assert other.epoch_classes == state.epoch_classes
    restore_state(recorded, without)
    assert (without.history, without.epoch_classes) == (state.history, None)
