"""Count the parameters of a network without allocating them."""

from __future__ import annotations

import torch

from architectures.network import build_network
from architectures.spec import ArchitectureSpec


def count_parameters(spec: ArchitectureSpec, *, num_classes: int = 6) -> int:
    """Return the number of parameters of `spec`.

    Raises:
        ValueError, FileNotFoundError: as `build_network`.
    """
    with torch.device("meta"):
        return sum(
            parameter.numel() for parameter in build_network(spec, num_classes=num_classes).parameters()
        )
