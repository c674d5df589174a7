"""The depthwise 3x3 convolution of the separable block, with the norm and the activation after it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.fast.kernels import call, threads
from architectures.fast.norm import (
    Moments,
    Normed,
    channels_last,
    gradient_sums,
    mapped,
    parameters,
    rows,
    sums_of,
    unmapped,
)


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
        taps = kernel.reshape(channels, 9).t().contiguous()
        start = torch.zeros(channels) if bias is None else bias
        y = torch.empty_like(x)
        moments = None
        if norm is not None and norm.training:
            moments = Moments(origin=_origin(x, kernel, start), places=rows(x)[0], sums=sums_of(x, 2))
        sums, origin = (moments.sums, moments.origin) if moments else (None, None)
        call("depthwise", x, taps, start, origin, *ctx.size, y, sums)
        ctx.set_materialize_grads(False)
        ctx.normed = norm is not None
        ctx.save_for_backward(x, taps, y)
        if norm is None:
            ctx.map = unmapped(channels)
            return y, x
        ctx.map = mapped(norm, moments, *given)
        out = torch.empty_like(x)
        call("norm_act", y, *ctx.map.forth, *rows(y), threads(y), out)
        return out, x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor, beside: Tensor | None) -> tuple[Tensor | None, ...]:
        x, taps, y = ctx.saved_tensors
        g = channels_last(g)
        before = gradient_sums(g, y, ctx.map) if ctx.normed else sums_of(y, 3).zero_()
        sums = sums_of(x, 10)
        gx = torch.empty_like(x) if beside is None else channels_last(beside)
        back = ctx.map.back(before, rows(y)[0])
        adds = beside is not None
        call("depthwise_back", g, y, x, taps.flip(0), *ctx.map.forth, *back, *ctx.size, adds, gx, sums)
        kernel = sums[:9].float().t().reshape(-1, 1, 3, 3)
        bias = sums[9].float() if ctx.needs_input_grad[2] else None
        return gx, kernel, bias, None, *(ctx.map.gradients(before) if ctx.normed else ())


def depthwise(x: Tensor, convolution: nn.Module, following: Normed | None) -> Tensor:
    """`activation(norm(convolution(x)))` of (N, C, H, W) float32, the last two where they follow."""
    return shared(x, convolution, following)[0]


def shared(x: Tensor, convolution: nn.Module, following: Normed | None) -> tuple[Tensor, Tensor]:
    """The same and x, for who takes it too: whose gradient of it nothing else may hold, as it is added to."""
    y, beside = _Depthwise.apply(
        channels_last(x), convolution.weight, convolution.bias, *parameters(following, x.shape[1])
    )
    return y, beside


def fits(convolution: nn.Module) -> bool:
    """Whether it is the depthwise convolution that the kernel is: 3x3, stride 1, padded with one zero."""
    return (
        type(convolution) is nn.Conv2d
        and convolution.groups == convolution.in_channels == convolution.out_channels
        and (convolution.kernel_size, convolution.stride, convolution.dilation) == ((3, 3), (1, 1), (1, 1))
        and (convolution.padding, convolution.padding_mode) == ((1, 1), "zeros")
    )


def _origin(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """What the convolution gives at a place of the first image (C,): see `Moments`."""
    patch = x[0, :, :3, :3]
    _, height, width = patch.shape
    return (patch * kernel[:, 0, :height, :width]).sum((1, 2)).add_(bias)
