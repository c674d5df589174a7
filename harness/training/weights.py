"""Save and load a network's weights; loading a file executes no code."""

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

from harness.errors import HarnessError
from harness.training.training_images import (
    TrainingImages,
    decode_training_images,
    encode_training_images,
)

MAX_UNPACKED_RATIO = 2
"""Maximum unpacked size of a file, as a multiple of the network's size; zip bombs reach thousands."""

_MAX_HEADER_BYTES = 1 << 24
"""Maximum size of a header; the digests of two million training images fit."""


def save_weights(
    weights: Mapping[str, Tensor],
    path: Path,
    *,
    key: str,
    classes: Sequence[str],
    images: TrainingImages | None = None,
) -> None:
    """Write a `state_dict` as safetensors, with the run's key, class names and training images in the header.

    Raises:
        OSError: the file cannot be written, for example because the disk is full.
    """
    header = {
        "key": key,
        "classes": json.dumps(list(classes)),
        "modules": json.dumps(getattr(weights, "_metadata", {})),
    }
    if images is not None:
        header["images"] = encode_training_images(images)
    # safetensors accepts neither strided tensors nor two names for one storage, so copy every tensor.
    copies = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()}
    # Write bytes here rather than in safetensors, so that a full disk raises OSError.
    path.write_bytes(save(copies, header))


def load_weights(network: nn.Module, path: Path, *, label: str, key: str) -> None:
    """Load a run's weights into `network`.

    Args:
        network: the network to load into; its state dict must match.
        path: a file written by `save_weights`, or a .pt file of `torch.save` from earlier versions.
        label: the run's name in error messages.
        key: the run's key, which must equal that of a `save_weights` file.

    Raises:
        HarnessError: the file is damaged, belongs to another run or network, is too large, or contains NaN or
            infinite values.
    """
    read_weights = _read_pickle if path.suffix == ".pt" else _read_safetensors
    network_bytes = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    try:
        network.load_state_dict(
            read_weights(path, key=key, limit=MAX_UNPACKED_RATIO * network_bytes + _MAX_HEADER_BYTES)
        )
    except Exception as error:
        # A damaged file can raise nearly any exception; all of them mean the same here.
        raise HarnessError(
            "weights.unreadable",
            f"the weights of {label} cannot be read or are of another network ({type(error).__name__}); "
            "run it again",
        ) from error
    if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
        raise HarnessError(
            "weights.not-finite", f"the weights of {label} contain NaN or infinite values; run it again"
        )


def read_training_images(path: Path, *, label: str) -> TrainingImages | None:
    """Return the training images of a weights file, or None if an earlier version wrote it without them.

    `label` is the run's name in error messages.

    Raises:
        HarnessError: the file is damaged.
    """
    if path.suffix == ".pt":
        return None
    try:
        with safe_open(path, framework="pt") as file:
            text = file.metadata().get("images")
        return None if text is None else decode_training_images(text)
    except Exception as error:
        # A damaged file can raise nearly any exception; all of them mean the same here.
        raise HarnessError(
            "weights.training-images-unreadable",
            f"the training images in the weights of {label} cannot be read ({type(error).__name__}); "
            "run it again",
        ) from error


def _read_safetensors(path: Path, *, key: str, limit: int) -> Mapping[str, Tensor]:
    _check_size(path.stat().st_size, limit)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
        if header["key"] != key:
            raise HarnessError(
                "weights.of-another-run",
                f"the weights must be of run {key}; got the weights of run {header['key']}: run it again",
            )
        names = file.keys()
        weights = OrderedDict((name, file.get_tensor(name)) for name in names)
    # `load_state_dict` reads the versions of the modules from this attribute.
    weights._metadata = json.loads(header["modules"])  # type: ignore[attr-defined]
    return weights


def _read_pickle(path: Path, *, key: str, limit: int) -> Any:
    """Read a file of `torch.save`, which has no run key; raise `zipfile.BadZipFile` for other files."""
    with zipfile.ZipFile(path) as archive:
        _check_size(sum(entry.file_size for entry in archive.infolist()), limit)
    return torch.load(path, map_location="cpu", weights_only=True)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise HarnessError(
            "weights.too-large",
            f"the weights of this network have at most {limit:,} bytes; got {size:,}: run it again",
        )
