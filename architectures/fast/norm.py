"""Batch norm and the activation after it, as one operator."""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.fast.kernels import call, threads


class _NormAct(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        slope: Tensor,
        mean: Tensor,
        variance: Tensor,
        eps: float,
        spare: bool,
    ) -> Tensor:
        rows, channels = _rows(x)
        scale = weight * torch.rsqrt(variance + eps)
        shift = bias - mean * scale
        y = torch.empty_like(x)
        call("norm_act", x, scale, shift, slope, rows, channels, threads(x), y)
        ctx.save_for_backward(x, slope, mean, variance, scale, shift)
        ctx.eps, ctx.spare = eps, spare
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, slope, mean, variance, scale, shift = ctx.saved_tensors
        g = channels_last(g)
        rows, channels = _rows(x)
        sums = torch.empty(3, channels, dtype=torch.float64)
        call("norm_act_sums", g, x, scale, shift, slope, mean, rows, channels, threads(x), sums)
        total, product, slope_gradient = sums
        inverse = torch.rsqrt(variance.double() + ctx.eps)
        along = -scale.double() * inverse * inverse * product / rows
        constant = -scale.double() * total / rows - along * mean.double()
        gx = g if ctx.spare else torch.empty_like(x)
        call(
            "norm_act_back",
            *(g, x, scale, shift, slope, along.float(), constant.float(), rows, channels, threads(x), gx),
        )
        return gx, (product * inverse).float(), total.float(), slope_gradient.float(), None, None, None, None


def norm_act(x: Tensor, norm: nn.BatchNorm2d, activation: nn.Module, *, spare: bool) -> Tensor:
    """`activation(norm(x))` of (N, C, H, W) float32 with channels last, the running statistics kept too.

    `spare` says that what takes the result gives a gradient that nothing else holds: it is overwritten, which
    is half the way through memory. Where one value a channel is all there is to train on, the modules say so.
    """
    channels = x.shape[1]
    if norm.training and x.numel() == channels:
        out: Tensor = activation(norm(x))
        return out
    x = channels_last(x)
    mean, variance = _moments(x, norm) if norm.training else _running(norm)
    y: Tensor = _NormAct.apply(
        x, norm.weight, norm.bias, slope_of(activation, channels), mean, variance, norm.eps, spare
    )
    return y


def fits(norm: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Whether it is a batch norm as by default: with weights, and running statistics of a fixed momentum."""
    return (
        type(norm) is nn.BatchNorm2d
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
    )


def _running(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    return norm.get_buffer("running_mean"), norm.get_buffer("running_var")


def _moments(x: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) of the batch, taken into the running ones too."""
    rows, channels = _rows(x)
    sums = torch.empty(2, channels, dtype=torch.float64)
    origin = x[0, :, 0, 0].detach().contiguous()
    call("moments", x, origin, rows, channels, threads(x), sums)
    offset = sums[0] / rows
    mean = (origin.double() + offset).float()
    variance = (sums[1] / rows - offset * offset).clamp_(min=0)
    running_mean, running_variance = _running(norm)
    assert norm.momentum is not None
    norm.get_buffer("num_batches_tracked").add_(1)
    running_mean.lerp_(mean, norm.momentum)
    running_variance.lerp_((variance * rows / (rows - 1)).float(), norm.momentum)
    return mean, variance.float()


def slope_of(activation: nn.Module, channels: int) -> Tensor:
    """The slope below 0 of each channel: PReLU's own, 0 for ReLU, 1 where there is no activation."""
    if isinstance(activation, nn.PReLU):
        # One slope for all channels has one address, which a kernel would read beyond.
        return activation.weight.expand(channels).contiguous()
    return torch.full((channels,), 0.0 if isinstance(activation, nn.ReLU) else 1.0)


def channels_last(x: Tensor) -> Tensor:
    """`x` with its channels last in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def _rows(x: Tensor) -> tuple[int, int]:
    return x.numel() // x.shape[1], x.shape[1]
