"""The paper's block; every component of it is optional.

    x ── convolution ─ attention ─ (+) ─ activation
     └──── identity or projection ──┘

The convolution ends with its own activation. Without the residual connection there is no sum and no second
activation, so that the plain block is VGG16's convolution and ReLU. Where the channel count changes, the
shortcut is a projection: a 1x1 convolution with the network's norm (He et al. 2016, arXiv:1512.03385,
option B).
"""

from __future__ import annotations

from torch import Tensor, nn

from architectures.attention import ATTENTION_BUILDERS
from architectures.convolution import CONVOLUTION_BUILDERS, build_activation, build_norm
from architectures.spec import ArchitectureSpec


class Residual(nn.Module):
    """Compute `activation(body(x) + shortcut(x))`."""

    def __init__(self, body: nn.Module, *, shortcut: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, in_channels, H, W) to (N, out_channels, H, W)."""
        out: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return out


def build_block(spec: ArchitectureSpec, in_channels: int, out_channels: int) -> nn.Module:
    """Build one block, which maps (N, in_channels, H, W) to (N, out_channels, H, W)."""
    body = nn.Sequential(
        CONVOLUTION_BUILDERS[spec.block.convolution](spec, in_channels, out_channels),
        ATTENTION_BUILDERS[spec.block.attention](out_channels),
    )
    if not spec.block.residual:
        return body
    projection = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1), build_norm(spec, out_channels))
    shortcut = nn.Identity() if in_channels == out_channels else projection
    return Residual(body, shortcut=shortcut, activation=build_activation(spec, out_channels))
