"""The depthwise 3x3 convolution of the separable block."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.fast.kernels import call, threads
from architectures.fast.norm import channels_last


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _convolved(x, _taps(weight), bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        g = channels_last(g)
        images, channels, height, width = x.shape
        sums = torch.empty(10, channels, dtype=torch.float64)
        call("depthwise_weights", g, x, images, height, width, channels, threads(x), sums)
        # The gradient of the image is the same convolution with the kernel turned by half.
        gx = _convolved(g, _taps(weight).flip(0), None) if ctx.needs_input_grad[0] else None
        gw = sums[:9].float().t().reshape(weight.shape)
        return gx, gw, sums[9].float() if ctx.needs_input_grad[2] else None


def depthwise(x: Tensor, convolution: nn.Module) -> Tensor:
    """`convolution(x)` of (N, C, H, W) float32 with channels last."""
    y: Tensor = _Depthwise.apply(channels_last(x), convolution.weight, convolution.bias)
    return y


def fits(convolution: nn.Module) -> bool:
    """Whether it is the depthwise convolution that the kernel is: 3x3, stride 1, padded with one zero."""
    return (
        type(convolution) is nn.Conv2d
        and convolution.groups == convolution.in_channels == convolution.out_channels
        and (convolution.kernel_size, convolution.stride, convolution.dilation) == ((3, 3), (1, 1), (1, 1))
        and (convolution.padding, convolution.padding_mode) == ((1, 1), "zeros")
    )


def _taps(weight: Tensor) -> Tensor:
    """(C, 1, 3, 3) to (9, C)."""
    return weight.reshape(len(weight), 9).t().contiguous()


def _convolved(x: Tensor, taps: Tensor, bias: Tensor | None) -> Tensor:
    images, channels, height, width = x.shape
    y = torch.empty_like(x)
    call("depthwise", x, taps, bias, images, height, width, channels, threads(x), y)
    return y
