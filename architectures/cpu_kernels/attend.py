"""CBAM with the sum and the activation after it as one operator; `architectures.attention` defines CBAM."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from architectures.attention import CBAM
from architectures.cpu_kernels.library import call, fake, forbid_gradient, operator, threads
from architectures.cpu_kernels.norm_act import channels_last

PAD = 3
"""Zeros around the maps that the 7x7 kernel of the spatial attention reads."""


@operator(
    "attend(Tensor x, Tensor? shortcut, Tensor slope, Tensor narrow, Tensor widen, Tensor kernel)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)
def attend(
    x: Tensor, shortcut: Tensor | None, slope: Tensor, narrow: Tensor, widen: Tensor, kernel: Tensor
) -> tuple[Tensor, ...]:
    """Y = leaky(CBAM(x) + shortcut, slope) of (N, C, H, W) float32, and what its gradient needs.

    `narrow` (hidden, C) and `widen` (C, hidden) are the channel attention's layers, `kernel` (1, 2, 7, 7) is
    the spatial attention's. After y: the mean and the largest value of each channel (2, N, C), the position
    of the largest (N, C), and the channel's weight (N, C). Then the same over the channels at each position:
    (N, 2, H, W), (N, H, W) and the map (N, 1, H, W).
    """
    x = channels_last(x)
    n, c, h, w = x.shape
    size = (n, h * w, c, threads(x))
    by_channel, where = x.new_empty(2, n, c), x.new_empty(n, c, dtype=torch.int32)
    call("pool_positions", x, *size, by_channel, where)
    weights = _weights(by_channel, narrow, widen)
    by_position, strongest = x.new_empty(n, 2, h, w), x.new_empty(n, h, w, dtype=torch.int32)
    call("pool_channels", x, weights, *size, by_position, strongest)
    y = torch.empty_like(x)
    beside = None if shortcut is None else channels_last(shortcut)
    map = torch.sigmoid(conv2d(by_position, kernel, padding=PAD))
    call("attend", x, weights, map, beside, slope.contiguous(), *size, y)
    return y, by_channel, where, weights, by_position, strongest, map


@fake("attend")
def _fake_attend(
    x: Tensor, shortcut: Tensor | None, slope: Tensor, narrow: Tensor, widen: Tensor, kernel: Tensor
) -> tuple[Tensor, ...]:
    n, c, h, w = x.shape
    return (
        torch.empty_like(x, memory_format=torch.channels_last),
        x.new_empty(2, n, c),
        x.new_empty(n, c, dtype=torch.int32),
        x.new_empty(n, c),
        x.new_empty(n, 2, h, w),
        x.new_empty(n, h, w, dtype=torch.int32),
        x.new_empty(n, 1, h, w),
    )


@operator(
    "attend_backward(Tensor g, Tensor x, Tensor? shortcut, Tensor slope, Tensor narrow, Tensor widen,"
    " Tensor kernel, Tensor by_channel, Tensor where, Tensor weights, Tensor by_position, Tensor strongest,"
    " Tensor map)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)
def attend_backward(
    g: Tensor,
    x: Tensor,
    shortcut: Tensor | None,
    slope: Tensor,
    narrow: Tensor,
    widen: Tensor,
    kernel: Tensor,
    *saved: Tensor,
) -> tuple[Tensor, ...]:
    """The gradients of the six inputs of `attend`, that of the shortcut also where there is none.

    `saved` is what `attend` returned after y.
    """
    by_channel, where, weights, by_position, strongest, map = saved
    g, x = channels_last(g), channels_last(x)
    n, c, h, w = x.shape
    size = (n, h * w, c, threads(x))
    beside = None if shortcut is None else channels_last(shortcut)
    gsum, gmap, gslope = torch.empty_like(x), torch.empty_like(map), x.new_empty(c)
    call("sum_backward", g, x, weights, map, beside, slope.contiguous(), *size, gsum, gmap, gslope)
    g_position, gkernel, _ = torch.ops.aten.convolution_backward(
        gmap * map * (1 - map), by_position, kernel, None, [1, 1], [PAD, PAD], [1, 1], False, [0, 0], 1,
        (True, True, False),
    )  # fmt: skip
    g_position, gweights = g_position.contiguous(), torch.empty_like(weights)
    call("weights_backward", gsum, x, map, g_position, strongest, *size, gweights)
    g_channel, gnarrow, gwiden = _weights_backward(gweights, weights, by_channel, narrow, widen)
    gx = torch.empty_like(x)
    call("attend_backward", gsum, weights, map, g_position, strongest, g_channel, where, *size, gx)
    return gx, gsum, gslope, gnarrow, gwiden, gkernel


@fake("attend_backward")
def _fake_attend_backward(
    g: Tensor, x: Tensor, shortcut: Tensor | None, *parameters: Tensor
) -> tuple[Tensor, ...]:
    y = torch.empty_like(x, memory_format=torch.channels_last)
    return y, torch.empty_like(y), *(torch.empty_like(parameter) for parameter in parameters[:4])


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    _, *rest = output
    ctx.mark_non_differentiable(*rest)
    ctx.has_shortcut = inputs[1] is not None
    ctx.save_for_backward(*inputs, *rest)


def _backward(ctx: Any, g: Tensor, *_: None) -> tuple[Tensor | None, ...]:
    gx, gshortcut, *gradients = attend_backward(g, *ctx.saved_tensors)
    return gx, gshortcut if ctx.has_shortcut else None, *gradients


torch.library.register_autograd("harness::attend", _backward, setup_context=_setup)
forbid_gradient("attend_backward")


def run(x: Tensor, attention: CBAM, *, shortcut: Tensor | None, slope: Tensor) -> Tensor:
    """`leaky(attention(x) + shortcut, slope)` of (N, C, H, W) float32."""
    reduce, _, expand = attention.channel.mlp
    assert isinstance(reduce, nn.Conv2d)
    assert isinstance(expand, nn.Conv2d)
    layers = reduce.weight.flatten(1), expand.weight.flatten(1)
    y: Tensor = attend(x, shortcut, slope, *layers, attention.spatial.conv.weight)[0]
    return y


def _weights(by_channel: Tensor, narrow: Tensor, widen: Tensor) -> Tensor:
    """Equation (5): the weights (N, C) of the channels from their mean and largest value (2, N, C)."""
    return torch.sigmoid((torch.relu(by_channel @ narrow.t()) @ widen.t()).sum(0))


def _weights_backward(
    g: Tensor, weights: Tensor, by_channel: Tensor, narrow: Tensor, widen: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of by_channel, narrow and widen, given g, that of `_weights`."""
    hidden = torch.relu(by_channel @ narrow.t())
    before = g * weights * (1 - weights)
    g_hidden = (before @ widen) * (hidden > 0)
    g_narrow = g_hidden.flatten(0, 1).t() @ by_channel.flatten(0, 1)
    return g_hidden @ narrow, g_narrow, before.t() @ hidden.sum(0)
