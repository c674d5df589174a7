"""The paper's block, every part of which is a toggle.

    x ── convolution ─ attention ─ (+) ─ activation
     └──── identity or projection ──┘

The convolution ends in an activation of its own. Without the skip there is no sum and no second
activation, so that the plain block is VGG16's convolution and ReLU. The projection, a 1x1 convolution with
the network's norm, stands where the channel count changes (He et al. 2016, arXiv:1512.03385, option B).
"""

from __future__ import annotations

from torch import Tensor, nn

from architectures.attention import ATTENTIONS
from architectures.convolution import CONVOLUTIONS, activation, norm
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


def block(spec: ArchitectureSpec, inputs: int, outputs: int) -> nn.Module:
    """One block: (N, inputs, H, W) to (N, outputs, H, W)."""
    body = nn.Sequential(
        CONVOLUTIONS[spec.block.convolution](spec, inputs, outputs),
        ATTENTIONS[spec.block.attention](outputs),
    )
    if not spec.block.residual:
        return body
    projection = nn.Sequential(nn.Conv2d(inputs, outputs, 1), norm(spec, outputs))
    shortcut = nn.Identity() if inputs == outputs else projection
    return Residual(body, shortcut=shortcut, activation=activation(spec, outputs))
