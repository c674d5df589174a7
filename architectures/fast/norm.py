"""Batch norm and the activation after it, as one operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.fast.kernels import call, threads

Normed = tuple[nn.BatchNorm2d, nn.Module]
"""A norm and the activation after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """act(x * scale + shift) of each channel, all (C,): what a norm with its activation comes to.

    `mean` and `inverse`, one over the deviation, are those that x was normed by.
    """

    scale: Tensor
    shift: Tensor
    slope: Tensor
    mean: Tensor
    inverse: Tensor

    @property
    def forth(self) -> tuple[Tensor, Tensor, Tensor]:
        """What the kernels take to compute it."""
        return self.scale, self.shift, self.slope

    def back(self, sums: Tensor, rows: int) -> tuple[Tensor, Tensor]:
        """`along` and `constant` (C,) of the gradient, from `norm_act_sums` (3, C) over so many places."""
        total, product, _ = sums
        scale, inverse = self.scale.double(), self.inverse.double()
        along = scale * inverse * inverse * product / -rows
        constant = scale * total / -rows - along * self.mean.double()
        return along.float(), constant.float()

    def gradients(self, sums: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Those of the norm's weight and bias and of the slope, from the same sums."""
        total, product, slope = sums
        return (product * self.inverse).float(), total.float(), slope.float()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sums (2, C) over `places` of what each channel lies off `origin` (C,), and of its square.

    An origin near the mean keeps the digits of the variance.
    """

    origin: Tensor
    places: int
    sums: Tensor


def mapped(norm: nn.BatchNorm2d, moments: Moments | None, weight: Tensor, bias: Tensor, slope: Tensor) -> Map:
    """The map of a norm training on what has these moments, or by the running ones without."""
    mean, variance = _taken(norm, moments) if moments else _running(norm)
    inverse = torch.rsqrt(variance + norm.eps)
    scale = weight * inverse
    return Map(scale=scale, shift=bias - mean * scale, slope=slope, mean=mean, inverse=inverse)


def unmapped(channels: int) -> Map:
    """The map that leaves all as it is; where it stands, the sums of gradients are zeros."""
    ones, zeros = torch.ones(channels), torch.zeros(channels)
    return Map(scale=ones, shift=zeros, slope=ones, mean=zeros, inverse=zeros)


class _NormAct(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, norm: nn.BatchNorm2d, spare: bool
    ) -> Tensor:
        ctx.map = mapped(norm, moments(x) if norm.training else None, weight, bias, slope)
        y = torch.empty_like(x)
        call("norm_act", x, *ctx.map.forth, *rows(x), threads(x), y)
        ctx.save_for_backward(x)
        ctx.spare = spare
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        g = channels_last(g)
        sums = gradient_sums(g, x, ctx.map)
        gx = g if ctx.spare else torch.empty_like(x)
        back = ctx.map.back(sums, rows(x)[0])
        call("norm_act_back", g, x, *ctx.map.forth, *back, *rows(x), threads(x), gx)
        return gx, *ctx.map.gradients(sums), None, None


def norm_act(x: Tensor, norm: nn.BatchNorm2d, activation: nn.Module, *, spare: bool) -> Tensor:
    """`activation(norm(x))` of (N, C, H, W) float32 with channels last, the running statistics kept too.

    `spare` says that what takes the result gives a gradient that nothing else holds: it is overwritten, which
    is half the way through memory. Where one value a channel is all there is to train on, the modules say so.
    """
    if alone(x, norm):
        out: Tensor = activation(norm(x))
        return out
    y: Tensor = _NormAct.apply(
        channels_last(x), norm.weight, norm.bias, slope_of(activation, x.shape[1]), norm, spare
    )
    return y


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


def moments(x: Tensor) -> Moments:
    """Those of (N, C, H, W)."""
    found = Moments(origin=x[0, :, 0, 0].detach().contiguous(), places=rows(x)[0], sums=sums_of(x, 2))
    call("moments", x, found.origin, *rows(x), threads(x), found.sums)
    return found


def sums_of(x: Tensor, count: int) -> Tensor:
    """Room for so many sums of each channel of (N, C, H, W)."""
    return torch.empty(count, x.shape[1], dtype=torch.float64)


def gradient_sums(g: Tensor, x: Tensor, map: Map) -> Tensor:
    """`norm_act_sums` (3, C) of the gradient of the map of x."""
    sums = sums_of(x, 3)
    call("norm_act_sums", g, x, *map.forth, map.mean, *rows(x), threads(x), sums)
    return sums


def parameters(normed: Normed | None, channels: int) -> tuple[Any, ...]:
    """The norm, its weight and bias, and the slope, as an operator's `forward` takes them; or no norm."""
    if normed is None:
        return (None,)
    norm, activation = normed
    return norm, norm.weight, norm.bias, slope_of(activation, channels)


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


def _running(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    return norm.get_buffer("running_mean"), norm.get_buffer("running_var")


def _taken(norm: nn.BatchNorm2d, moments: Moments) -> tuple[Tensor, Tensor]:
    """Mean and variance (C,) of the batch, taken into the running ones too."""
    places = moments.places
    offset = moments.sums[0] / places
    mean = (moments.origin.double() + offset).float()
    variance = (moments.sums[1] / places - offset * offset).clamp_(min=0)
    running_mean, running_variance = _running(norm)
    assert norm.momentum is not None
    norm.get_buffer("num_batches_tracked").add_(1)
    running_mean.lerp_(mean, norm.momentum)
    running_variance.lerp_((variance * places / (places - 1)).float(), norm.momentum)
    return mean, variance.float()
