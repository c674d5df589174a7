"""Where an unfinished run stands, on disk after each epoch, so that training goes on from there bit for bit.

Bytes of tensors under a header in JSON: nothing in such a file is ever executed, and writing one costs little
beside an epoch, which pickling each of a network's many small tensors would not.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.training.train import Standing, best_epoch
from studies.codec import from_data, to_data
from studies.results import Epoch

FORMAT = 2
HEADER = 1 << 24
"""No header is longer, in bytes: that of 10,000 epochs and 2,000 tensors is not."""

LARGE = 2**16
"""Values from which on a tensor is written by itself."""

WORD = 8
"""Bytes of the header's length, and of the sum of all that follows them, at the start of the file."""

SPOILT = (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError)
"""What reading a file that is no checkpoint, or not the whole of one, may raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The standing of one run, which no two processes write at once: see `harness.running.claims`.

    Two files take turns, so that the epoch before is there until the next is whole. They are written over in
    place and handed on to the next run: to make a file and to drop the old one takes longer than to fill it.
    """

    path: Path

    def keep(self, standing: Standing) -> None:
        """Write where the run stands, over the last epoch but one.

        A network of whose state a part is no tensor is not kept: killed, its run begins anew.

        Raises:
            OSError: it cannot be written, as on a full disk.
        """
        if not all(isinstance(part, Tensor) for part in standing.network.state_dict().values()):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        turn = self._turns()[len(standing.history) % 2]
        if not turn.exists():
            with suppress(OSError):
                os.replace(_spare(turn), turn)
        with turn.open("r+b" if turn.exists() else "w+b") as file:
            _write(standing, file)

    def restore(self, standing: Standing) -> bool:
        """Bring `standing`, just begun, to where the run was left; False, and nothing done, where it was not.

        A file of another device or another network, or one that is not whole, counts as none.
        """
        found = [read for turn in self._turns() if (read := _opened(turn)) is not None]
        for header, tensors in sorted(found, key=lambda read: -len(read[0]["epochs"])):
            try:
                _enter(header, tensors, standing)
            except SPOILT:
                continue
            return True
        return False

    def discard(self) -> None:
        """Have the run stand nowhere; its files are spare ones from here on."""
        for turn in self._turns():
            with suppress(OSError):
                # Its header goes first, or the next run would be taken to stand where this one did.
                with turn.open("r+b") as file:
                    file.write(bytes(WORD))
                os.replace(turn, _spare(turn))

    def tidy(self) -> None:
        """Take spare files away."""
        for turn in self._turns():
            with suppress(OSError):
                _spare(turn).unlink()

    def _turns(self) -> tuple[Path, Path]:
        return self.path.with_suffix(".even"), self.path.with_suffix(".odd")


def _spare(turn: Path) -> Path:
    return turn.with_name(f"spare{turn.suffix}")


def _tensors(standing: Standing) -> Iterator[tuple[str, Tensor]]:
    """Everything that the next epoch depends on and that numbers are, by name."""
    for name, tensor in standing.network.state_dict().items():
        yield f"network {name}", tensor
    if best_epoch(standing.history) is not standing.history[-1]:
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
    tensors.sort(key=lambda named: str(named[1].dtype))
    header: dict[str, Any] = {
        "format": FORMAT,
        "device": _device(standing).type,
        "pieces": standing.pieces,
        "epochs": to_data(tuple(standing.history)),
        "tensors": [(name, str(tensor.dtype).split(".")[1], tuple(tensor.shape)) for name, tensor in tensors],
    }
    told = json.dumps(header).encode()
    total = _sum(np.frombuffer(told, np.uint8))
    file.write(bytes(2 * WORD))
    file.write(told)
    flat = (tensor.reshape(-1) for _, tensor in tensors)
    for group in _together(header["tensors"]):
        parts = [next(flat) for _ in group]
        content = (torch.cat(parts) if parts[1:] else parts[0]).view(torch.uint8).numpy()
        total += _sum(content)
        file.write(content.data)
    # Only now does the file count: a process that is killed on the way leaves a length of 0.
    file.flush()
    file.seek(0)
    file.write(len(told).to_bytes(WORD, "little"))
    file.write((total % 2**64).to_bytes(WORD, "little"))


def _together(
    told: Sequence[tuple[str, str, Sequence[int]]],
) -> Iterator[list[tuple[str, str, Sequence[int]]]]:
    """Names, kinds and shapes of tensors that are written and read at once: of one kind, large ones alone."""
    for (_, large), group in groupby(told, key=lambda each: (each[1], math.prod(each[2]) >= LARGE)):
        alike = list(group)
        yield from ([each] for each in alike) if large else [alike]


def _sum(content: NDArray[np.uint8]) -> int:
    """The sum of the bytes, eight at a time, by which what a power cut has left of two epochs is known."""
    whole = len(content) // WORD * WORD
    words = content[:whole].view(np.uint64)
    return int(np.add.reduce(words)) + int(np.add.reduce(content[whole:], dtype=np.uint64))


def _opened(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    try:
        with path.open("rb") as file:
            return _read(file)
    except SPOILT:
        return None


def _read(file: BinaryIO) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors; an error of `SPOILT` for what is not such a file or not the whole of one."""
    size, total = (int.from_bytes(file.read(WORD), "little") for _ in range(2))
    if not 0 < size <= HEADER:
        raise ValueError("no checkpoint")
    told = file.read(size)
    header = json.loads(told)
    if header["format"] != FORMAT or not isinstance(header["epochs"], list):
        raise ValueError(f"a checkpoint of format {header['format']}")
    left = os.fstat(file.fileno()).st_size - file.tell()
    total -= _sum(np.frombuffer(told, np.uint8))
    tensors = {}
    for group in _together(header["tensors"]):
        kind = getattr(torch, group[0][1])
        counts = [math.prod(shape) for _, _, shape in group]
        length = sum(counts) * torch.empty(0, dtype=kind).element_size()
        left -= length
        if left < 0 or min(counts) < 0:
            raise ValueError("a checkpoint that is not whole")
        content = bytearray(file.read(length))
        total -= _sum(np.frombuffer(content, np.uint8))
        flat = torch.frombuffer(content, dtype=kind) if length else torch.empty(0, dtype=kind)
        for (name, _, shape), part in zip(group, flat.split(counts), strict=True):
            tensors[name] = part.clone().reshape(shape)  # generators read a state from its storage's start
    if total % 2**64:
        raise ValueError("a checkpoint of which a part was never written")
    return header, tensors


def _enter(header: dict[str, Any], tensors: dict[str, Tensor], standing: Standing) -> None:
    """Bring `standing` to what was read; an error, and nothing done, where that is not its own."""
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


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _like(pattern: Tensor, values: Tensor) -> Tensor:
    """`values` where and as `pattern` lies in memory: kernels that walk both want them alike."""
    if pattern.shape != values.shape:
        raise ValueError("a checkpoint of another network")
    return torch.empty_like(pattern, requires_grad=False).copy_(values)
