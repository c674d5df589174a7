"""The 2x2 max-pool that closes a stage."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.fast.kernels import call, threads
from architectures.fast.norm import channels_last


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        images, channels, height, width = ctx.shape = x.shape
        shape = images, channels, height // 2, width // 2
        y = torch.empty(shape, memory_format=torch.channels_last)
        where = torch.empty(y.numel(), dtype=torch.int8)
        call("max_pool", x, images, height, width, channels, threads(x), y, where)
        ctx.save_for_backward(where)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        images, channels, height, width = ctx.shape
        gx = torch.empty(ctx.shape, memory_format=torch.channels_last)
        call(
            "max_pool_back",
            channels_last(g),
            *ctx.saved_tensors,
            images,
            height,
            width,
            channels,
            threads(gx),
            gx,
        )
        return gx


def max_pool(x: Tensor) -> Tensor:
    """`max_pool2d(x, 2)` of (N, C, H, W) float32."""
    y: Tensor = _MaxPool.apply(channels_last(x))
    return y


def fits(pool: nn.Module) -> bool:
    """Whether it is that pool."""
    if type(pool) is not nn.MaxPool2d or pool.return_indices or pool.ceil_mode:
        return False
    return (pool.kernel_size, pool.stride, pool.padding, pool.dilation) == (2, 2, 0, 1)
