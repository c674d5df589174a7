"""The convolution of a block: standard, or depthwise separable (Howard et al. 2017, arXiv:1704.04861).

The paper's equations (1) and (2) give their costs. Every convolution has a bias; without biases the proposed
network would not have the paper's 9.05 MiB.
"""

from __future__ import annotations

from torch import nn

from architectures.spec import ArchitectureSpec


def build_norm(spec: ArchitectureSpec, channels: int) -> nn.Module:
    """Return a batch norm over `channels`, or an identity if `spec` has no norm."""
    return nn.BatchNorm2d(channels) if spec.norm == "batch" else nn.Identity()


def build_activation(spec: ArchitectureSpec, channels: int) -> nn.Module:
    """Return a new ReLU, or a new PReLU with one slope per channel (He et al. 2015, arXiv:1502.01852)."""
    return nn.PReLU(channels) if spec.block.activation == "prelu" else nn.ReLU()


def build_standard_conv(spec: ArchitectureSpec, in_channels: int, out_channels: int) -> nn.Sequential:
    """Return 3x3 convolution, norm and activation: (N, in_channels, H, W) to (N, out_channels, H, W)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        build_norm(spec, out_channels),
        build_activation(spec, out_channels),
    )


def build_separable_conv(spec: ArchitectureSpec, in_channels: int, out_channels: int) -> nn.Sequential:
    """Return depthwise 3x3 and pointwise 1x1 convolution, each with norm and activation.

    The shapes are those of `build_standard_conv`.
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels),
        build_norm(spec, in_channels),
        build_activation(spec, in_channels),
        nn.Conv2d(in_channels, out_channels, 1),
        build_norm(spec, out_channels),
        build_activation(spec, out_channels),
    )


CONVOLUTION_BUILDERS = {"standard": build_standard_conv, "separable": build_separable_conv}
