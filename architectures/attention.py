"""CBAM: channel attention, then spatial attention (Woo et al. 2018, arXiv:1807.06521).

Equations (3) to (6) of the paper. The reduction is 16, the kernel is 7x7, and there are no biases. There is
no batch norm after the spatial convolution: the CBAM authors' code has one, equation (6) does not.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

REDUCTION = 16


class ChannelAttention(nn.Module):
    """Equation (5): sigmoid(MLP(AvgPool F) + MLP(MaxPool F)); the MLP has max(1, C // 16) hidden units."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return channel weights (N, C, 1, 1) in 0..1 of features (N, C, H, W)."""
        avg_pool = x.mean((2, 3), keepdim=True)
        max_pool = x.amax((2, 3), keepdim=True)
        return torch.sigmoid(self.mlp(avg_pool) + self.mlp(max_pool))


class SpatialAttention(nn.Module):
    """Equation (6): sigmoid(conv7x7([AvgPool F; MaxPool F])), with pooling over the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return spatial weights (N, 1, H, W) in 0..1 of features (N, C, H, W)."""
        pooled = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), dim=1)
        return torch.sigmoid(self.conv(pooled))


class CBAM(nn.Module):
    """Equations (3) and (4): multiply by the channel attention, then by the spatial attention."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channel = ChannelAttention(channels)
        self.spatial = SpatialAttention()

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (N, C, H, W) weighted by both attentions, with the same shape."""
        x = x * self.channel(x)
        out: Tensor = x * self.spatial(x)
        return out


def _build_identity(channels: int) -> nn.Module:
    return nn.Identity()


ATTENTION_BUILDERS = {"none": _build_identity, "cbam": CBAM}
