"""The paper's block, every part of which is a toggle.

    x ── convolution ─ attention ─ (+) ─ activation
     └──── identity or projection ──┘

The convolution ends in an activation of its own. Without the skip there is no sum and no second
activation, so that the plain block is VGG16's convolution and ReLU. The projection, a 1x1 convolution with
the network's norm, stands where the channel count changes (He et al. 2016, arXiv:1512.03385, option B).
"""

from __future__ import annotations

from torch import Tensor, nn

from architectures.attention import ATTENTION_BUILDERS
from architectures.convolution import CONVOLUTION_BUILDERS, build_activation, build_norm
from architectures.spec import ArchitectureSpec


class Residual(nn.Module):
    """`activation(body(x) + shortcut(x))`."""

    def __init__(self, body: nn.Module, *, shortcut: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        out: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return out


def build_block(spec: ArchitectureSpec, in_channels: int, out_channels: int) -> nn.Module:
    """One block: (N, inputs, H, W) to (N, outputs, H, W)."""
    body = nn.Sequential(
        CONVOLUTION_BUILDERS[spec.block.convolution](spec, in_channels, out_channels),
        ATTENTION_BUILDERS[spec.block.attention](out_channels),
    )
    if not spec.block.residual:
        return body
    projection = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1), build_norm(spec, out_channels))
    shortcut = nn.Identity() if in_channels == out_channels else projection
    return Residual(body, shortcut=shortcut, activation=build_activation(spec, out_channels))
