"""The 1x1 convolution before a norm, of whose bias the gradient is known to be 0."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

from architectures.fast.norm import channels_last


class _Pointwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return conv2d(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        mask = [ctx.needs_input_grad[0], True, False]
        gx, gw, _ = torch.ops.aten.convolution_backward(
            channels_last(g), x, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, mask
        )
        # The norm takes away what is added before it: the true gradient is 0, without rounding.
        return gx, gw, torch.zeros(len(weight))


def pointwise(x: Tensor, convolution: nn.Module) -> Tensor:
    """`convolution(x)` of (N, C, H, W) float32, which a norm must take."""
    y: Tensor = _Pointwise.apply(channels_last(x), convolution.weight, convolution.bias)
    return y


def fits(convolution: nn.Module) -> bool:
    """Whether it is a plain 1x1 convolution with a bias: to sum its gradient up is a way through memory."""
    return (
        type(convolution) is nn.Conv2d
        and (convolution.kernel_size, convolution.stride, convolution.padding) == ((1, 1), (1, 1), (0, 0))
        and convolution.groups == 1
        and convolution.bias is not None
    )
