"""CBAM with the norm and activation before it, and the sum and activation after it, as one operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.attention import CBAM
from architectures.fast.kernels import call, threads
from architectures.fast.norm import (
    Map,
    Normed,
    channels_last,
    mapped,
    moments,
    parameters,
    rows,
    slope_of,
    sums_of,
    unmapped,
)
from architectures.fast.spatial import spatial


class _Attend(torch.autograd.Function):
    """The channel attention's small network runs in PyTorch, in both directions; the rest is the kernels'."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        shortcut: Tensor | None,
        slope: Tensor,
        narrow: Tensor,
        widen: Tensor,
        kernel: Tensor,
        norm: nn.BatchNorm2d | None,
        *given: Tensor,
    ) -> Tensor:
        images, channels, height, width = x.shape
        size = (images, height * width, channels, threads(x))
        if norm is None:
            map = unmapped(channels)
        else:
            map = mapped(norm, moments(x) if norm.training else None, *given)
        means, largest = torch.empty(2, images, channels)
        first = torch.empty(images, channels, dtype=torch.int32)
        call("pool_places", x, *map.forth, *size, means, largest, first)
        by_channel = _Small(_channel_weights, means, largest, narrow, widen)
        pooled = torch.empty(images, 2, height, width)
        where = torch.empty(images, height * width, dtype=torch.int32)
        call("pool_channels", x, *map.forth, by_channel.output, *size, pooled, where)
        by_place = spatial(pooled, kernel)
        y = torch.empty_like(x)
        call("attend", x, *map.forth, by_channel.output, by_place.map, shortcut, slope, *size, y)
        ctx.save_for_backward(x, shortcut, slope, first, where)
        ctx.normed, ctx.map, ctx.small = norm is not None, map, (by_channel, by_place)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, shortcut, slope, first, where = ctx.saved_tensors
        map, (by_channel, by_place) = ctx.map, ctx.small
        weights, places = by_channel.output, by_place.map
        g = channels_last(g)
        images, channels, height, width = x.shape
        size = (images, height * width, channels, threads(x))
        h, gradient, slopes = torch.empty_like(x), torch.empty_like(places), sums_of(x, 1)
        call(
            "attend_back_map",
            *(g, x, *map.forth, weights, places, shortcut, slope, *size, h, gradient, slopes),
        )
        pooled, kernel = by_place.gradients(gradient)
        behind = (places, (pooled[:, 0] / channels).contiguous(), pooled[:, 1].contiguous(), where)
        sums = torch.empty(images, 7, channels)
        call("attend_back_weights", h, x, *map.forth, map.mean, *behind, *size, sums)
        means, largest, narrow, widen = by_channel.gradients(sums[:, 0])
        means /= height * width
        normed = torch.zeros(3, channels, dtype=torch.float64)
        if ctx.normed:
            normed = _normed(sums, weights, means) + _at_largest(x, map, first, largest)
        back = map.back(normed, rows(x)[0])
        gx = torch.empty_like(x)
        call("attend_back", h, x, *map.forth, *back, weights, *behind, means, largest, first, *size, gx)
        own = (gx, None if shortcut is None else h, slopes[0].float(), narrow, widen, kernel, None)
        return *own, *(map.gradients(normed) if ctx.normed else ())


def _normed(sums: Tensor, weights: Tensor, means: Tensor) -> Tensor:
    """`norm_act_sums` (3, C) of `weights * t + means`, from the sums (N, 7, C) of `attend_back_weights`."""
    through, alone = sums[:, 1:4].double(), sums[:, 4:].double()
    return (through * weights.unsqueeze(1) + alone * means.unsqueeze(1)).sum(0)


def _at_largest(x: Tensor, map: Map, first: Tensor, gradient: Tensor) -> Tensor:
    """The same of a gradient (N, C) at the place where each channel of x (N, C, H, W) is largest, `first`."""
    values = x.flatten(2).gather(2, first.long().unsqueeze(2)).squeeze(2).double()
    before = values * map.scale + map.shift
    slope = torch.where(before > 0, 1.0, map.slope.double())
    terms = (slope, slope * (values - map.mean), before.clamp(max=0))
    return torch.stack([(term * gradient).sum(0) for term in terms])


class _Small:
    """What a function of small tensors gives, kept with its graph for the way back."""

    def __init__(self, function: Callable[..., Tensor], *inputs: Tensor) -> None:
        with torch.enable_grad():
            self.inputs = [tensor.detach().requires_grad_() for tensor in inputs]
            self.graph = function(*self.inputs)
        self.output = self.graph.detach()

    def gradients(self, gradient: Tensor) -> tuple[Tensor, ...]:
        """Those of the inputs, contiguous, given that of the output."""
        found = torch.autograd.grad(self.graph, self.inputs, gradient)
        return tuple(tensor.contiguous() for tensor in found)


def attend(
    x: Tensor,
    attention: CBAM,
    *,
    before: Normed | None = None,
    shortcut: Tensor | None = None,
    activation: nn.Module,
) -> Tensor:
    """`activation(attention(x) + shortcut)` of (N, C, H, W) float32.

    `before` are a norm and an activation that x has yet to go through, which are so never written down.
    """
    channels = x.shape[1]
    reduce, _, widen = attention.channel.mlp
    y: Tensor = _Attend.apply(
        channels_last(x),
        None if shortcut is None else channels_last(shortcut),
        slope_of(activation, channels),
        *(reduce.weight, widen.weight, attention.spatial.conv.weight),
        *parameters(before, channels),
    )
    return y


def _channel_weights(means: Tensor, largest: Tensor, narrow: Tensor, widen: Tensor) -> Tensor:
    """Equation (5) of pooled (N, C): weights (N, C)."""
    hidden = torch.relu(torch.cat((means, largest)) @ narrow.flatten(1).t()) @ widen.flatten(1).t()
    average, most = hidden.chunk(2)
    return torch.sigmoid(average + most)
