"""CBAM with the norm and activation before it, and the sum and activation after it, as one operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from architectures.attention import CBAM
from architectures.fast.kernels import call, threads
from architectures.fast.norm import Normed, channels_last, mapped, parameters, slope_of
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
        map = mapped(x, norm, *given)
        means, largest = torch.empty(2, images, channels)
        first = torch.empty(images, channels, dtype=torch.int32)
        call("pool_places", x, map, *size, means, largest, first)
        by_channel = _Small(_channel_weights, means, largest, narrow, widen)
        pooled = torch.empty(images, 2, height, width)
        where = torch.empty(images, height * width, dtype=torch.int32)
        call("pool_channels", x, map, by_channel.output, *size, pooled, where)
        by_place = spatial(pooled, kernel)
        y = torch.empty_like(x)
        call("attend", x, map, by_channel.output, by_place.map, shortcut, slope, *size, y)
        ctx.save_for_backward(x, shortcut, slope, map, first, where)
        ctx.normed, ctx.small = norm is not None, (by_channel, by_place)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, shortcut, slope, map, first, where = ctx.saved_tensors
        by_channel, by_place = ctx.small
        weights, places = by_channel.output, by_place.map
        images, channels, height, width = x.shape
        size = (images, height * width, channels, threads(x))
        h, gradient = torch.empty_like(x), torch.empty_like(places)
        slopes = torch.empty(channels, dtype=torch.float64)
        given = channels_last(g), x, map, weights, places, shortcut, slope
        call("attend_back_map", *given, *size, h, gradient, slopes)
        pooled, kernel = by_place.gradients(gradient)
        behind = places, (pooled[:, 0] / channels).contiguous(), pooled[:, 1].contiguous(), where
        sums = torch.empty(images, 7, channels)
        call("attend_back_weights", h, x, map, *behind, *size, sums)
        means, largest, narrow, widen = by_channel.gradients(sums[:, 0])
        gx, gradients = torch.empty_like(x), torch.empty(3, channels)
        means /= height * width
        known = h, x, map, ctx.normed, sums, weights, *behind, means, largest, first
        call("attend_back", *known, *size, gx, gradients)
        own = (gx, None if shortcut is None else h, slopes.float(), narrow, widen, kernel, None)
        return *own, *(gradients if ctx.normed else ())


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
