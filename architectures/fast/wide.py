"""Depthwise convolutions with kernels of side 5: PyTorch's own, but for the gradient of the kernel."""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.fast.kernels import call, threads
from architectures.fast.norm import channels_last

SIDE, PAD = (5, 5), (2, 2)


class _Wide(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, kernel)
        ctx.stride = stride
        return nn.functional.conv2d(x, kernel, stride=stride, padding=PAD, groups=len(kernel))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        (x, kernel), stride, g = ctx.saved_tensors, ctx.stride, channels_last(g)
        images, channels, height, width = x.shape
        gx, gw = None, torch.empty_like(kernel, memory_format=torch.contiguous_format)
        if ctx.needs_input_grad[0]:
            how = [stride] * 2, PAD, (1, 1), False, (0, 0), channels
            gx = torch.ops.aten.convolution_backward(g, x, kernel, None, *how, (True, False, False))[0]
        call("wide_back", g, x, images, height, width, channels, stride, threads(x), gw)
        return gx, gw, None


def wide(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """`convolution(x)` of (N, C, H, W) float32 with channels last."""
    y: Tensor = _Wide.apply(x, convolution.weight, convolution.stride[0])
    return y


def fits(convolution: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether it is a depthwise convolution of side 5, padded with two zeros, without bias."""
    return (
        type(convolution) is nn.Conv2d
        and convolution.groups == convolution.in_channels == convolution.out_channels
        and (convolution.kernel_size, convolution.padding, convolution.dilation) == (SIDE, PAD, (1, 1))
        and convolution.stride[0] == convolution.stride[1]
        and convolution.padding_mode == "zeros"
        and convolution.bias is None
    )
