"""How many parameters a network has, counted without making them."""

from __future__ import annotations

import torch

from architectures.network import build
from architectures.spec import ArchitectureSpec


def parameters(spec: ArchitectureSpec, *, classes: int = 6) -> int:
    """Number of parameters of `spec`; errors as `build`."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build(spec, classes=classes).parameters())
