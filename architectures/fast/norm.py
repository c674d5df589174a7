"""Batch norm and the activation after it, as one operator."""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.fast.kernels import call, threads

Normed = tuple[nn.BatchNorm2d, nn.Module]
"""A norm and the activation after it."""


SMOOTH = (nn.SiLU, nn.Hardswish)
"""Activations that are no slope below 0; the kernels count them from 1."""


class _NormAct(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, spare: bool, activation: int, norm: nn.BatchNorm2d, *given: Tensor
    ) -> Tensor:
        map = mapped(x, norm, *given)
        y = torch.empty_like(x)
        call("norm_act", x, map, activation, *rows(x), threads(x), y)
        ctx.save_for_backward(x, map)
        ctx.spare, ctx.activation = spare, activation
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, map = ctx.saved_tensors
        g = channels_last(g)
        gx, gradients = g if ctx.spare else torch.empty_like(x), torch.empty(3, x.shape[1])
        call("norm_act_back", g, x, map, ctx.activation, *rows(x), threads(x), gx, gradients)
        return gx, None, None, None, *gradients


def norm_act(x: Tensor, norm: nn.BatchNorm2d, activation: nn.Module, *, spare: bool) -> Tensor:
    """`activation(norm(x))` of (N, C, H, W) float32 with channels last, the running statistics kept too.

    `spare` says that what takes the result gives a gradient that nothing else holds: it is overwritten, which
    is half the way through memory. Where one value a channel is all there is to train on, the modules say so.
    """
    if alone(x, norm):
        out: Tensor = activation(norm(x))
        return out
    given = parameters((norm, activation), x.shape[1])
    y: Tensor = _NormAct.apply(channels_last(x), spare, _number(activation), *given)
    return y


def _number(activation: nn.Module) -> int:
    return 1 + SMOOTH.index(type(activation)) if type(activation) in SMOOTH else 0


def fits(norm: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Whether it is a batch norm as by default: with weights, and running statistics of a fixed momentum.

    One that is in evaluation while gradients are taken, as a frozen one is, has other gradients.
    """
    return (
        type(norm) is nn.BatchNorm2d
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
        and (norm.training or not torch.is_grad_enabled())
    )


def alone(x: Tensor, norm: nn.BatchNorm2d) -> bool:
    """Whether there is one value a channel, which no norm can be trained on."""
    return norm.training and x.numel() == x.shape[1]


def parameters(normed: Normed | None, channels: int) -> tuple[Any, ...]:
    """The norm, its weight and bias, and the slope, as an operator's `forward` takes them; or no norm."""
    if normed is None:
        return (None,)
    norm, activation = normed
    return norm, norm.weight, norm.bias, slope_of(activation, channels)


def mapped(x: Tensor, norm: nn.BatchNorm2d | None, *given: Tensor) -> Tensor:
    """act(x * scale + shift) as (5, C): scale, shift, slope, and the mean and one over the deviation of x.

    A norm that trains takes them from x, and into its running statistics. Without one all is left as it is.
    """
    map = torch.zeros(5, x.shape[1])
    if norm is None:
        map[::2] = 1
        map[4] = 0
        return map
    call("norm_map", x, *given, *kept(norm), *rows(x), threads(x), map)
    return map


def kept(norm: nn.BatchNorm2d) -> tuple[Tensor | float | bool, ...]:
    """What a kernel takes of a norm beside its parameters; its running statistics are written to."""
    assert norm.momentum is not None
    if norm.training:
        norm.get_buffer("num_batches_tracked").add_(1)
    running = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    return *running, norm.eps, norm.momentum, norm.training


def slope_of(activation: nn.Module, channels: int) -> Tensor:
    """The slope below 0 of each channel: PReLU's own, 0 for ReLU, 1 where there is no activation."""
    if isinstance(activation, nn.PReLU):
        # One slope for all channels has one address, which a kernel would read beyond.
        return activation.weight.expand(channels).contiguous()
    return torch.full((channels,), 0.0 if isinstance(activation, nn.ReLU) else 1.0)


def channels_last(x: Tensor) -> Tensor:
    """`x` with its channels last in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def rows(x: Tensor) -> tuple[int, int]:
    """Places and channels of (N, C, H, W)."""
    return x.numel() // x.shape[1], x.shape[1]
