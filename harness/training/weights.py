"""A file of weights into the network that it is of; it is data, and nothing in it is executed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import torch
from torch import nn

SLACK = 2
"""How many times its network's own bytes a file may unpack to; a bomb's are thousands."""

_HEADERS = 1 << 20


def load_weights(network: nn.Module, path: Path, *, of: str) -> None:
    """Bring weights that `torch.save` wrote into `network`, which they must fit; `of` names their run.

    Raises:
        ValueError: the file is damaged, another network's, too large for it, or holds what is no number.
    """
    try:
        _check_size(network, path)
        found = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(found)
    except Exception as error:
        # Damaged bytes make torch's unpickler raise nearly anything; all of it means the same here.
        raise ValueError(
            f"the weights of {of} cannot be read or are another network's ({type(error).__name__}); "
            "run it again"
        ) from error
    if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
        raise ValueError(f"the weights of {of} hold what is no number; run it again")


def _check_size(network: nn.Module, path: Path) -> None:
    """See that a file unpacks to about its network's bytes; what is no archive raises zipfile's error."""
    own = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > SLACK * own + _HEADERS:
        raise ValueError("more than the network's own bytes")
