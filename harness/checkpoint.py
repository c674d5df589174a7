"""Where an unfinished run stands, on disk after each epoch, so that training goes on from there bit for bit.

Bytes of tensors under a header in JSON: nothing in such a file is ever executed, and writing one costs little
beside an epoch, which pickling each of a network's many small tensors would not.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from harness.train import Standing
from studies.codec import from_data, to_data
from studies.results import Epoch

FORMAT = 1
HEADER = 1 << 24
"""No header is longer, in bytes: that of 10,000 epochs and 2,000 tensors is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The file of one run's standing, which no two processes use at once: see `harness.claims`."""

    path: Path

    def keep(self, standing: Standing) -> None:
        """Write where the run stands; until that is whole the epoch before it is what stands there.

        Raises:
            OSError: it cannot be written, as on a full disk.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".part")
        try:
            with beside.open("wb") as file:
                _write(standing, file)
            os.replace(beside, self.path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise

    def restore(self, standing: Standing) -> bool:
        """Bring `standing`, just begun, to where the run was left; False, and nothing done, where it was not.

        A file of another device or another network, or one that is not whole, counts as none.
        """
        try:
            with self.path.open("rb") as file:
                header, tensors = _read(file)
            _enter(header, tensors, standing)
        except (OSError, ValueError, TypeError, LookupError, RuntimeError):
            return False
        return True

    def discard(self) -> None:
        """Take the file away, if it is there."""
        for path in (self.path, self.path.with_suffix(".part")):
            with suppress(OSError):
                path.unlink()


def _tensors(standing: Standing) -> Iterator[tuple[str, Tensor]]:
    """Everything that the next epoch depends on and that numbers are, by name."""
    for name, tensor in standing.network.state_dict().items():
        yield f"network {name}", tensor
    for name, tensor in standing.best.items():
        yield f"best {name}", tensor
    for number, state in standing.optimizer.state_dict()["state"].items():
        for name, tensor in state.items():
            yield f"optimizer {number} {name}", tensor
    yield "order", standing.generator.get_state()
    yield "random", torch.get_rng_state()
    device = _device(standing)
    if device.type == "cuda":
        yield "random on the device", torch.cuda.get_rng_state(device)


def _device(standing: Standing) -> torch.device:
    return next(standing.network.parameters()).device


def _write(standing: Standing, file: BinaryIO) -> None:
    tensors = [(name, tensor.detach().cpu().contiguous()) for name, tensor in _tensors(standing)]
    header = {
        "format": FORMAT,
        "device": _device(standing).type,
        "pieces": standing.pieces,
        "epochs": to_data(tuple(standing.history)),
        "tensors": [(name, str(tensor.dtype).split(".")[1], tensor.shape) for name, tensor in tensors],
    }
    told = json.dumps(header).encode()
    file.write(len(told).to_bytes(8, "little"))
    file.write(told)
    for _, tensor in tensors:
        file.write(tensor.reshape(-1).view(torch.uint8).numpy().data)


def _read(file: BinaryIO) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors; ValueError for what is not such a file or not the whole of one."""
    size = int.from_bytes(file.read(8), "little")
    if size > HEADER:
        raise ValueError("no checkpoint")
    header = json.loads(file.read(size))
    if header["format"] != FORMAT:
        raise ValueError(f"a checkpoint of format {header['format']}")
    left = os.fstat(file.fileno()).st_size - file.tell()
    tensors = {}
    for name, kind, shape in header["tensors"]:
        empty = torch.empty(0, dtype=getattr(torch, kind))
        length = math.prod(shape) * empty.element_size()
        left -= length
        if left < 0 or length <= 0:
            raise ValueError("a checkpoint that is not whole")
        content = bytearray(file.read(length))
        tensors[name] = torch.frombuffer(content, dtype=empty.dtype).reshape(shape)
    return header, tensors


def _enter(header: dict[str, Any], tensors: dict[str, Tensor], standing: Standing) -> None:
    """Bring `standing` to what was read; an error, and nothing done, where that is not its own."""
    device, own = _device(standing), standing.network.state_dict()
    network, best = _under("network ", tensors), _under("best ", tensors)
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
    standing.generator.set_state(tensors["order"])
    torch.set_rng_state(tensors["random"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random on the device"], device)
    standing.network.load_state_dict(network)
    standing.best = {name: _like(own[name], tensor) for name, tensor in best.items()}
    standing.optimizer.state.update({p: state for p, state in moments.items() if state})
    standing.history[:] = history
    standing.pieces = int(header["pieces"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _like(pattern: Tensor, values: Tensor) -> Tensor:
    """`values` where and as `pattern` lies in memory: kernels that walk both want them alike."""
    return torch.empty_like(pattern, requires_grad=False).copy_(values)
