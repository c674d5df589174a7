"""CBAM with the sum and the activation after it, as one operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

from architectures.attention import CBAM
from architectures.fast.kernels import call, threads
from architectures.fast.norm import channels_last, slope_of


class _Attend(torch.autograd.Function):
    """The attentions' small networks run in PyTorch, in both directions; what is large is the kernels'."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        shortcut: Tensor | None,
        slope: Tensor,
        narrow: Tensor,
        widen: Tensor,
        kernel: Tensor,
    ) -> Tensor:
        images, channels, height, width = x.shape
        size = (images, height * width, channels, threads(x))
        means, largest = torch.empty(2, images, channels)
        first = torch.empty(images, channels, dtype=torch.int32)
        call("pool_places", x, *size, means, largest, first)
        by_channel = _Small(_channel_weights, means, largest, narrow, widen)
        pooled = torch.empty(images, 2, height, width).contiguous(memory_format=torch.channels_last)
        where = torch.empty(images, height * width, dtype=torch.int32)
        call("pool_channels", x, by_channel.output, *size, pooled, where)
        by_place = _Small(_spatial_map, pooled, kernel)
        y = torch.empty_like(x)
        call("attend", x, by_channel.output, by_place.output, shortcut, slope, *size, y)
        ctx.save_for_backward(x, shortcut, slope, first, where)
        ctx.small = by_channel, by_place
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, shortcut, slope, first, where = ctx.saved_tensors
        by_channel, by_place = ctx.small
        weights, places = by_channel.output, by_place.output
        g = channels_last(g)
        images, channels, height, width = x.shape
        size = (images, height * width, channels, threads(x))
        h, gradient = torch.empty_like(x), torch.empty_like(places)
        slopes = torch.empty(channels, dtype=torch.float64)
        call("attend_back_map", g, x, weights, places, shortcut, slope, *size, h, gradient, slopes)
        pooled, kernel = by_place.gradients(gradient)
        pooled = channels_last(pooled)
        gradient = torch.empty_like(weights)
        call("attend_back_weights", h, x, places, pooled, where, *size, gradient)
        means, largest, narrow, widen = by_channel.gradients(gradient)
        gx = torch.empty_like(x)
        call("attend_back", h, weights, places, pooled, where, means, largest, first, *size, gx)
        return gx, None if shortcut is None else h, slopes.float(), narrow, widen, kernel


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


def attend(x: Tensor, attention: CBAM, *, shortcut: Tensor | None, activation: nn.Module) -> Tensor:
    """`activation(attention(x) + shortcut)` of (N, C, H, W) float32 with channels last."""
    reduce, _, widen = attention.channel.mlp
    y: Tensor = _Attend.apply(
        channels_last(x),
        None if shortcut is None else channels_last(shortcut),
        slope_of(activation, x.shape[1]),
        *(reduce.weight, widen.weight, attention.spatial.conv.weight),
    )
    return y


def _channel_weights(means: Tensor, largest: Tensor, narrow: Tensor, widen: Tensor) -> Tensor:
    """Equation (5) of pooled (N, C): weights (N, C)."""
    hidden = torch.relu(torch.cat((means, largest)) @ narrow.flatten(1).t()) @ widen.flatten(1).t()
    average, most = hidden.chunk(2)
    return torch.sigmoid(average + most)


def _spatial_map(pooled: Tensor, kernel: Tensor) -> Tensor:
    """Equation (6) of pooled (N, 2, H, W): the map (N, H * W)."""
    return torch.sigmoid(conv2d(pooled, channels_last(kernel), padding=3)).flatten(1)
