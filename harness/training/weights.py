"""The file of a network's weights, written and read back; it is data, and nothing in it is executed."""

from __future__ import annotations

import json
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

MAX_UNPACKED_RATIO = 2
"""How many times its network's own bytes a file may unpack to; a bomb's are thousands."""

_MAX_HEADER_BYTES = 1 << 20


def save_weights(weights: Mapping[str, Tensor], path: Path, *, key: str, classes: Sequence[str]) -> None:
    """Write a `state_dict` as safetensors; its header holds the run's key and the names of its classes.

    Raises:
        OSError: the disk is full.
    """
    header = {
        "key": key,
        "classes": json.dumps(list(classes)),
        "modules": json.dumps(getattr(weights, "_metadata", {})),
    }
    # Copies, since safetensors takes neither strided tensors nor two names for one storage.
    copies = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()}
    # Through bytes, so that a full disk is an OSError and not an error of safetensors's own kind.
    path.write_bytes(save(copies, header))


def load_weights(network: nn.Module, path: Path, *, label: str, key: str) -> None:
    """Load a run's weights into `network`, which they must fit.

    Args:
        network: the network that gets them.
        path: a file of `save_weights`, or one named .pt that `torch.save` wrote, as earlier versions did.
        of: the run, as messages name it.
        key: the run's key, which a file of `save_weights` must hold.

    Raises:
        ValueError: the file is damaged, another run's or network's, too large, or holds a NaN or infinity.
    """
    read_weights = _read_pickle if path.suffix == ".pt" else _read_safetensors
    network_bytes = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    try:
        network.load_state_dict(
            read_weights(path, key=key, limit=MAX_UNPACKED_RATIO * network_bytes + _MAX_HEADER_BYTES)
        )
    except Exception as error:
        # Damaged bytes make the readers raise nearly anything; all of it means the same here.
        raise ValueError(
            f"the weights of {label} cannot be read or are another network's ({type(error).__name__}); "
            "run it again"
        ) from error
    if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
        raise ValueError(f"the weights of {label} hold what is no number; run it again")


def _read_safetensors(path: Path, *, key: str, limit: int) -> Mapping[str, Tensor]:
    _check_size(path.stat().st_size, limit)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
        if header["key"] != key:
            raise ValueError(f"these weights are of run {header['key']}")
        names = file.keys()
        weights = OrderedDict((name, file.get_tensor(name)) for name in names)
    # Where `load_state_dict` looks for the versions of the modules.
    weights._metadata = json.loads(header["modules"])  # type: ignore[attr-defined]
    return weights


def _read_pickle(path: Path, *, key: str, limit: int) -> Any:
    """What `torch.save` wrote, which names no key; what is no archive raises zipfile's error."""
    with zipfile.ZipFile(path) as archive:
        _check_size(sum(entry.file_size for entry in archive.infolist()), limit)
    return torch.load(path, map_location="cpu", weights_only=True)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ValueError("more than the network's own bytes")
