"""The 1x1 convolution, whose gradients are two matrix products."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

from architectures.fast.norm import channels_last


class _Pointwise(torch.autograd.Function):
    """Convolutions forth and back, and one product of matrices for the weights, which oneDNN is slower at."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, normed: bool) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.normed = normed
        return conv2d(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        g = channels_last(g)
        gx = conv2d(g, channels_last(weight.transpose(0, 1))) if ctx.needs_input_grad[0] else None
        rows, gradients = _as_rows(x), _as_rows(g)
        # In this order it is twice as fast where there are few inputs, as the image's three.
        gw = (rows.t() @ gradients).t().reshape(weight.shape)
        if not ctx.needs_input_grad[2]:
            return gx, gw, None, None
        # A batch norm takes away what is added before it: the true gradient is 0, without rounding.
        gb = torch.zeros(len(weight)) if ctx.normed else gradients.sum(0)
        return gx, gw, gb, None


def pointwise(x: Tensor, convolution: nn.Module, *, normed: bool) -> Tensor:
    """`convolution(x)` of (N, C, H, W) float32; `normed` where a batch norm takes the result."""
    y: Tensor = _Pointwise.apply(channels_last(x), convolution.weight, convolution.bias, normed)
    return y


def fits(convolution: nn.Module) -> bool:
    """Whether it is a plain 1x1 convolution."""
    return (
        type(convolution) is nn.Conv2d
        and (convolution.kernel_size, convolution.stride, convolution.padding) == ((1, 1), (1, 1), (0, 0))
        and convolution.groups == 1
    )


def _as_rows(x: Tensor) -> Tensor:
    """(N, C, H, W) with channels last to (N * H * W, C), without a copy."""
    return x.movedim(1, -1).reshape(-1, x.shape[1])
