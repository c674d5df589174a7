"""CBAM: channel attention, then spatial attention (Woo et al. 2018, arXiv:1807.06521).

Equations (3) to (6) of the paper. Reduction 16, a 7x7 kernel, no biases, and no batch norm after the
spatial convolution (the CBAM authors' code has one; the paper's size leaves no room for it).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

REDUCTION = 16


class ChannelAttention(nn.Module):
    """Equation (5): sigmoid(MLP(AvgPool F) + MLP(MaxPool F)); the MLP narrows to max(1, C // 16)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to weights (N, C, 1, 1) in 0..1."""
        avg_pool = x.mean((2, 3), keepdim=True)
        max_pool = x.amax((2, 3), keepdim=True)
        return torch.sigmoid(self.mlp(avg_pool) + self.mlp(max_pool))


class SpatialAttention(nn.Module):
    """Equation (6): sigmoid(conv7x7([AvgPool F; MaxPool F])), pooled over the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to weights (N, 1, H, W) in 0..1."""
        pooled = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), dim=1)
        return torch.sigmoid(self.conv(pooled))


class CBAM(nn.Module):
    """Equations (3) and (4): both attentions, one after the other, each multiplied in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channel = ChannelAttention(channels)
        self.spatial = SpatialAttention()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H, W)."""
        x = x * self.channel(x)
        out: Tensor = x * self.spatial(x)
        return out


def _build_identity(channels: int) -> nn.Module:
    return nn.Identity()


ATTENTION_BUILDERS = {"none": _build_identity, "cbam": CBAM}
