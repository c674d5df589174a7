"""The state of a training after an epoch: copied, written to a file, read again and put back.

A header in JSON and the bytes of tensors: nothing in such a file is ever executed.
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

from harness.training.train import Standing, best_epoch
from studies.codec import from_data, to_data
from studies.results import Epoch

FORMAT = 3
HEADER = 1 << 24
"""No header is longer, in bytes: that of 10,000 epochs and 2,000 tensors is not."""

WORD = 8
"""Bytes of the header's length, and of the sum of all that follows them, at the start of the file."""

SPOILT = (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError)
"""What reading a file that is no snapshot, or not the whole of one, may raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that the next epoch depends on beside its data: `header` as JSON has it, `tensors` on the CPU."""

    header: dict[str, Any]
    tensors: dict[str, Tensor]


def bytes_of(standing: Standing) -> int:
    """How many bytes the tensors of a snapshot have."""
    return sum(tensor.numel() * tensor.element_size() for _, tensor, _ in _tensors(standing))


def copy_state(standing: Standing, *, seconds: float = 0.0) -> Snapshot:
    """A snapshot that training on from `standing` does not change.

    `seconds` is what the run's checkpoints have cost so far.
    """
    tensors = {
        name: torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())
        if is_live
        else tensor.detach().cpu().contiguous()
        for name, tensor, is_live in _tensors(standing)
    }
    header = {
        "format": FORMAT,
        "device": _device(standing).type,
        "pieces": standing.pieces,
        "seconds": seconds,
        "epochs": to_data(tuple(standing.history)),
        "tensors": [(name, str(t.dtype).split(".")[1], tuple(t.shape)) for name, t in tensors.items()],
    }
    return Snapshot(header=header, tensors=tensors)


def write(snapshot: Snapshot, path: Path, *, is_dropped: Callable[[], bool]) -> None:
    """Write a snapshot over `path`, which counts as none until it is whole; `is_dropped` may end it early.

    Raises:
        OSError: it cannot be written, as on a full disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if path.exists() else "w+b") as file:
        header = json.dumps(snapshot.header).encode()
        total = _sum(np.frombuffer(header, np.uint8))
        file.write(bytes(2 * WORD))
        file.write(header)
        for tensor in snapshot.tensors.values():
            if is_dropped():
                return
            # Summed by numpy: in a second thread torch would start as many threads as training has.
            content = tensor.reshape(-1).view(torch.uint8).numpy()
            total += _sum(content)
            file.write(content.data)
        # Only now does the file count: a process that is killed on the way leaves a length of 0.
        file.flush()
        file.seek(0)
        file.write(len(header).to_bytes(WORD, "little"))
        file.write((total % 2**64).to_bytes(WORD, "little"))


def epochs_in(path: Path) -> int:
    """How many epochs a file's header tells of; -1 where it has none."""
    try:
        with path.open("rb") as file:
            return len(_header(file)[0]["epochs"])
    except SPOILT:
        return -1


def read(path: Path) -> Snapshot:
    """The snapshot in a file; an error of `SPOILT` for what is none or not the whole of one."""
    with path.open("rb") as file:
        header, total = _header(file)
        left = os.fstat(file.fileno()).st_size - file.tell()
        tensors = {}
        for name, kind, shape in header["tensors"]:
            dtype = getattr(torch, kind)
            length = math.prod(shape) * torch.empty(0, dtype=dtype).element_size()
            left -= length
            if left < 0 or length < 0:
                raise ValueError("a checkpoint that is not whole")
            content = bytearray(file.read(length))
            total -= _sum(np.frombuffer(content, np.uint8))
            flat = torch.frombuffer(content, dtype=dtype) if length else torch.empty(0, dtype=dtype)
            tensors[name] = flat.reshape(shape)
    if total % 2**64:
        raise ValueError("a checkpoint of which a part was never written")
    return Snapshot(header=header, tensors=tensors)


def put_back(snapshot: Snapshot, standing: Standing) -> None:
    """Bring `standing`, just begun, to a snapshot.

    Raises an error of `SPOILT`, and has done nothing, if the snapshot is of another network or device.
    """
    header, tensors = snapshot.header, snapshot.tensors
    device, own = _device(standing), standing.network.state_dict()
    network = _under("network ", tensors)
    best = _under("best ", tensors) or network
    for there in (network, best):
        if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in there.items()}:
            raise ValueError("a checkpoint of another network")
    if header["device"] != device.type:
        raise ValueError(f"a checkpoint of a run on {header['device']}")
    history = [from_data(Epoch, epoch) for epoch in header["epochs"]]
    parameters = [p for group in standing.optimizer.param_groups for p in group["params"]]
    moments = {
        parameter: {
            name: value.to(device) if value.ndim == 0 else _like(parameter, value)
            for name, value in _under(f"optimizer {number} ", tensors).items()
        }
        for number, parameter in enumerate(parameters)
    }
    pieces, kept = int(header["pieces"]), standing.network.state_dict()
    own.update({name: _like(own[name], tensor) for name, tensor in best.items()})
    kept.update(network)
    standing.network.load_state_dict(kept)
    standing.generator.set_state(tensors["order"])
    torch.set_rng_state(tensors["random"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random on the device"], device)
    standing.best = own
    standing.optimizer.state.update({p: state for p, state in moments.items() if state})
    standing.history[:] = history
    standing.pieces = pieces


def _tensors(standing: Standing) -> Iterator[tuple[str, Tensor, bool]]:
    """The tensors of a snapshot: name, value, and whether training goes on to change it in place."""
    is_best = best_epoch(standing.history) is standing.history[-1]
    for name, tensor in standing.network.state_dict().items():
        yield f"network {name}", standing.best[name] if is_best else tensor, not is_best
    if not is_best:
        for name, tensor in standing.best.items():
            yield f"best {name}", tensor, False
    for number, state in standing.optimizer.state_dict()["state"].items():
        for name, tensor in state.items():
            yield f"optimizer {number} {name}", tensor, True
    yield "order", standing.generator.get_state(), False
    yield "random", torch.get_rng_state(), False
    device = _device(standing)
    if device.type == "cuda":
        yield "random on the device", torch.cuda.get_rng_state(device), False


def _device(standing: Standing) -> torch.device:
    return next(standing.network.parameters()).device


def _sum(content: NDArray[np.uint8]) -> int:
    """The sum of the bytes, eight at a time, by which what a power cut has left of two epochs is known."""
    whole = len(content) // WORD * WORD
    words = content[:whole].view(np.uint64)
    return int(np.add.reduce(words)) + int(np.add.reduce(content[whole:], dtype=np.uint64))


def _header(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """A file's header, and what is left of its sum for the tensors."""
    size, total = (int.from_bytes(file.read(WORD), "little") for _ in range(2))
    if not 0 < size <= HEADER:
        raise ValueError("no checkpoint")
    text = file.read(size)
    header = json.loads(text)
    if header["format"] != FORMAT or not isinstance(header["epochs"], list):
        raise ValueError(f"a checkpoint of format {header['format']}")
    return header, total - _sum(np.frombuffer(text, np.uint8))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _like(pattern: Tensor, values: Tensor) -> Tensor:
    """`values` where and as `pattern` lies in memory: kernels that walk both want them alike."""
    if pattern.shape != values.shape:
        raise ValueError("a checkpoint of another network")
    return torch.empty_like(pattern, requires_grad=False).copy_(values)
