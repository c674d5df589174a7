"""Snapshots: copy the training state after an epoch, write it to a file, read it, and restore it.

A file holds a JSON header and the bytes of tensors, so reading it executes no code.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import HarnessError
from harness.training.train import TrainingState, find_best_epoch
from studies.codec import from_data, to_data
from studies.results import Epoch

FORMAT_VERSION = 3
MAX_HEADER_BYTES = 1 << 24
"""Maximum size of a header in bytes: 10,000 epochs and 2,000 tensors fit."""

WORD_BYTES = 8
"""Size in bytes of each of the two integers at the start of a file: header length and checksum."""

RECORD_NAME = "epoch classes"
"""Name of the tensor that holds `TrainingState.epoch_classes`, (epochs, test units) int16."""

READ_ERRORS = (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError)
"""Exceptions that reading a file raises if it is not a snapshot or is incomplete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that the next epoch depends on besides its data: a JSON `header`, and `tensors` on the CPU."""

    header: dict[str, Any]
    tensors: dict[str, Tensor]


def count_bytes(state: TrainingState) -> int:
    """Return the number of bytes of the tensors of a snapshot of `state`."""
    return sum(tensor.numel() * tensor.element_size() for _, tensor, _ in _iter_tensors(state))


def copy_state(state: TrainingState, *, seconds: float = 0.0) -> Snapshot:
    """Copy `state` to a snapshot that further training does not change.

    `seconds` is the cost of the run's checkpoints so far.
    """
    tensors = {
        name: torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())
        if is_live
        else tensor.detach().cpu().contiguous()
        for name, tensor, is_live in _iter_tensors(state)
    }
    header = {
        "format": FORMAT_VERSION,
        "device": _get_device(state).type,
        "pieces": state.micro_batches,
        "seconds": seconds,
        "epochs": to_data(tuple(state.history)),
        "tensors": [(name, str(t.dtype).split(".")[1], tuple(t.shape)) for name, t in tensors.items()],
    }
    return Snapshot(header=header, tensors=tensors)


def write_snapshot(snapshot: Snapshot, path: Path, *, is_canceled: Callable[[], bool]) -> None:
    """Write a snapshot to `path`, overwriting the file; it is invalid until it is complete.

    `is_canceled` is checked before each tensor and ends the write if it returns True.

    Raises:
        OSError: the file cannot be written, for example because the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if path.exists() else "w+b") as file:
        header = json.dumps(snapshot.header).encode()
        checksum = _compute_checksum(np.frombuffer(header, np.uint8))
        file.write(bytes(2 * WORD_BYTES))
        file.write(header)
        for tensor in snapshot.tensors.values():
            if is_canceled():
                return
            # numpy computes the sum: torch would start another set of threads, besides those of training.
            content = tensor.reshape(-1).view(torch.uint8).numpy()
            checksum += _compute_checksum(content)
            file.write(content.data)
        # The header length is written last: a process killed before this point leaves a length of 0.
        file.flush()
        file.seek(0)
        file.write(len(header).to_bytes(WORD_BYTES, "little"))
        file.write((checksum % 2**64).to_bytes(WORD_BYTES, "little"))


def count_epochs(path: Path) -> int:
    """Return the number of epochs in a file's header, or -1 if the file has no valid header."""
    try:
        with path.open("rb") as file:
            return len(_read_header(file)[0]["epochs"])
    except READ_ERRORS:
        return -1


def read_snapshot(path: Path) -> Snapshot:
    """Read the snapshot in a file; raise one of `READ_ERRORS` if it is not a complete snapshot."""
    with path.open("rb") as file:
        header, checksum = _read_header(file)
        bytes_left = os.fstat(file.fileno()).st_size - file.tell()
        tensors = {}
        for name, dtype_name, shape in header["tensors"]:
            dtype = getattr(torch, dtype_name)
            byte_count = math.prod(shape) * torch.empty(0, dtype=dtype).element_size()
            bytes_left -= byte_count
            if bytes_left < 0 or byte_count < 0:
                raise HarnessError("checkpoint.incomplete", "the checkpoint is incomplete")
            content = bytearray(file.read(byte_count))
            checksum -= _compute_checksum(np.frombuffer(content, np.uint8))
            flat = torch.frombuffer(content, dtype=dtype) if byte_count else torch.empty(0, dtype=dtype)
            tensors[name] = flat.reshape(shape)
    if checksum % 2**64:
        raise HarnessError("checkpoint.wrong-checksum", "the checkpoint has a wrong checksum")
    return Snapshot(header=header, tensors=tensors)


def restore_state(snapshot: Snapshot, state: TrainingState) -> None:
    """Load a snapshot into the freshly initialized `state`.

    Raises one of `READ_ERRORS`, and leaves `state` unchanged, if the snapshot is of another network or
    device, or if `state` keeps a record of its epochs and the snapshot lacks it.
    """
    header, tensors = snapshot.header, snapshot.tensors
    device, best_weights = _get_device(state), state.network.state_dict()
    network_tensors = _select_prefix("network ", tensors)
    best_tensors = _select_prefix("best ", tensors) or network_tensors
    for tensor_set in (network_tensors, best_tensors):
        if {n: t.shape for n, t in best_weights.items()} != {n: t.shape for n, t in tensor_set.items()}:
            raise HarnessError("checkpoint.other-tensors", "the checkpoint is of another network")
    if header["device"] != device.type:
        raise HarnessError(
            "checkpoint.other-device",
            f"the checkpoint must be of a run on {device.type}; got one of a run on {header['device']}",
        )
    history = [from_data(Epoch, epoch) for epoch in header["epochs"]]
    epoch_classes = tensors[RECORD_NAME].tolist() if RECORD_NAME in tensors else []
    if state.epoch_classes is not None and len(epoch_classes) != len(history):
        raise HarnessError(
            "checkpoint.no-record", "the checkpoint is of a run that kept no record of its epochs"
        )
    parameters = [p for group in state.optimizer.param_groups for p in group["params"]]
    optimizer_state = {
        parameter: {
            name: value.to(device) if value.ndim == 0 else _copy_like(parameter, value)
            for name, value in _select_prefix(f"optimizer {index} ", tensors).items()
        }
        for index, parameter in enumerate(parameters)
    }
    micro_batches, network_weights = int(header["pieces"]), state.network.state_dict()
    best_weights.update(
        {name: _copy_like(best_weights[name], tensor) for name, tensor in best_tensors.items()}
    )
    network_weights.update(network_tensors)
    state.network.load_state_dict(network_weights)
    state.generator.set_state(tensors["order"])
    torch.set_rng_state(tensors["random"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random on the device"], device)
    state.best_weights = best_weights
    state.optimizer.state.update({p: moment for p, moment in optimizer_state.items() if moment})
    state.history[:] = history
    state.micro_batches = micro_batches
    if state.epoch_classes is not None:
        state.epoch_classes[:] = map(tuple, epoch_classes)


def _iter_tensors(state: TrainingState) -> Iterator[tuple[str, Tensor, bool]]:
    """Yield the name and value of each tensor of a snapshot, and whether training changes it in place."""
    is_best = find_best_epoch(state.history) is state.history[-1]
    for name, tensor in state.network.state_dict().items():
        yield f"network {name}", state.best_weights[name] if is_best else tensor, not is_best
    if not is_best:
        for name, tensor in state.best_weights.items():
            yield f"best {name}", tensor, False
    for index, optimizer_state in state.optimizer.state_dict()["state"].items():
        for name, tensor in optimizer_state.items():
            yield f"optimizer {index} {name}", tensor, True
    yield "order", state.generator.get_state(), False
    if state.epoch_classes is not None:
        yield RECORD_NAME, torch.tensor(state.epoch_classes, dtype=torch.int16), False
    yield "random", torch.get_rng_state(), False
    device = _get_device(state)
    if device.type == "cuda":
        yield "random on the device", torch.cuda.get_rng_state(device), False


def _get_device(state: TrainingState) -> torch.device:
    return next(state.network.parameters()).device


def _compute_checksum(content: NDArray[np.uint8]) -> int:
    """Return the sum of the bytes as 8-byte integers.

    It detects a file that mixes two epochs after a power cut.
    """
    aligned_size = len(content) // WORD_BYTES * WORD_BYTES
    integers = content[:aligned_size].view(np.uint64)
    return int(np.add.reduce(integers)) + int(np.add.reduce(content[aligned_size:], dtype=np.uint64))


def _read_header(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """Read a file's header; return it with the expected checksum of the tensors."""
    header_bytes, checksum = (int.from_bytes(file.read(WORD_BYTES), "little") for _ in range(2))
    if not 0 < header_bytes <= MAX_HEADER_BYTES:
        raise HarnessError("checkpoint.no-checkpoint", "the file is not a checkpoint")
    text = file.read(header_bytes)
    header = json.loads(text)
    if header["format"] != FORMAT_VERSION or not isinstance(header["epochs"], list):
        raise HarnessError(
            "checkpoint.unknown-format", f"the checkpoint has the unknown format {header['format']}"
        )
    return header, checksum - _compute_checksum(np.frombuffer(text, np.uint8))


def _select_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _copy_like(reference: Tensor, values: Tensor) -> Tensor:
    """Copy `values` to the device and memory layout of `reference`: the optimizer needs both alike."""
    if reference.shape != values.shape:
        raise HarnessError("checkpoint.other-network", "the checkpoint is of another network")
    return torch.empty_like(reference, requires_grad=False).copy_(values)
