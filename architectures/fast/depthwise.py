"""The depthwise 3x3 convolution of the separable block, with the norm and the activation after it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.fast.kernels import call, threads
from architectures.fast.norm import Normed, channels_last, kept, parameters

NO_NORM = (None, None, None, None, None, 0.0, 0.0, False)


class _Depthwise(torch.autograd.Function):
    """Gives its input back beside the result, so that the gradients of both are added up on the way."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        kernel: Tensor,
        bias: Tensor | None,
        norm: nn.BatchNorm2d | None,
        *given: Tensor,
    ) -> tuple[Tensor, Tensor]:
        images, channels, height, width = x.shape
        ctx.size = images, height, width, channels, threads(x)
        y, map = torch.empty_like(x), torch.empty(5, channels)
        out = y if norm is None else torch.empty_like(x)
        normed = NO_NORM if norm is None else (*given, *kept(norm))
        call("depthwise", x, kernel, bias, *normed, *ctx.size, y, map, out)
        ctx.set_materialize_grads(False)
        ctx.normed = norm is not None
        ctx.save_for_backward(x, kernel, y, map)
        return out, x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor, beside: Tensor | None) -> tuple[Tensor | None, ...]:
        x, kernel, y, map = ctx.saved_tensors
        adds = beside is not None
        gx = torch.empty_like(x) if beside is None else channels_last(beside)
        gw, gb, gradients = torch.empty_like(kernel), torch.empty(len(kernel)), torch.empty(3, len(kernel))
        given = channels_last(g), y, x, kernel, map, ctx.normed, adds
        call("depthwise_back", *given, *ctx.size, gx, gw, gb, gradients)
        bias = gb if ctx.needs_input_grad[2] else None
        return gx, gw, bias, None, *(gradients if ctx.normed else ())


def depthwise(x: Tensor, convolution: nn.Module, following: Normed | None) -> Tensor:
    """`activation(norm(convolution(x)))` of (N, C, H, W) float32, the last two where they follow."""
    return shared(x, convolution, following)[0]


def shared(x: Tensor, convolution: nn.Module, following: Normed | None) -> tuple[Tensor, Tensor]:
    """The same and x, for who takes it too: whose gradient of it nothing else may hold, as it is added to."""
    given = channels_last(x), convolution.weight, convolution.bias, *parameters(following, x.shape[1])
    y, beside = _Depthwise.apply(*given)
    return y, beside


def fits(convolution: nn.Module) -> bool:
    """Whether it is the depthwise convolution that the kernel is: 3x3, stride 1, padded with one zero."""
    return (
        type(convolution) is nn.Conv2d
        and convolution.groups == convolution.in_channels == convolution.out_channels
        and (convolution.kernel_size, convolution.stride, convolution.dilation) == ((3, 3), (1, 1), (1, 1))
        and (convolution.padding, convolution.padding_mode) == ((1, 1), "zeros")
    )
