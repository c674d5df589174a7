"""CBAM, the sum with the shortcut and the activation after it, as one operator.

`architectures.attention` defines CBAM.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from architectures.attention import CBAM
from architectures.cpu_kernels.library import (
    call_kernel,
    forbid_gradient,
    register_fake,
    register_operator,
    select_thread_count,
)
from architectures.cpu_kernels.norm_act import to_channels_last

PADDING = 3
"""Zero padding for the 7x7 convolution of the spatial attention."""


@register_operator(
    "cbam_add_act(Tensor x, Tensor? shortcut, Tensor slope, Tensor reduce_weight, Tensor expand_weight,"
    " Tensor conv_weight) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)
def cbam_add_act(
    x: Tensor,
    shortcut: Tensor | None,
    slope: Tensor,
    reduce_weight: Tensor,
    expand_weight: Tensor,
    conv_weight: Tensor,
) -> tuple[Tensor, ...]:
    """Compute y = leaky(CBAM(x) + shortcut, slope) of x (N, C, H, W) float32.

    Args:
        x: The features.
        shortcut: The features to add, or None.
        slope: The negative slope of the activation for each channel (C,).
        reduce_weight: The first layer of the channel attention's MLP (hidden, C).
        expand_weight: The second layer of the channel attention's MLP (C, hidden).
        conv_weight: The weight of the spatial attention's convolution (1, 2, 7, 7).

    Returns:
        y, and six tensors for the gradient. For each channel: the mean and maximum over the positions
        (2, N, C), the position of the maximum (N, C), and the channel weight (N, C). For each position: the
        mean and maximum over the channels (N, 2, H, W), the channel of the maximum (N, H, W), and the
        attention map (N, 1, H, W).
    """
    x = to_channels_last(x)
    n, c, h, w = x.shape
    kernel_args = (n, h * w, c, select_thread_count(x))
    channel_stats, channel_argmax = x.new_empty(2, n, c), x.new_empty(n, c, dtype=torch.int32)
    call_kernel("pool_positions", x, *kernel_args, channel_stats, channel_argmax)
    channel_weights = _compute_channel_weights(channel_stats, reduce_weight, expand_weight)
    spatial_stats, spatial_argmax = x.new_empty(n, 2, h, w), x.new_empty(n, h, w, dtype=torch.int32)
    call_kernel("pool_channels", x, channel_weights, *kernel_args, spatial_stats, spatial_argmax)
    y = torch.empty_like(x)
    shortcut_nhwc = None if shortcut is None else to_channels_last(shortcut)
    attention_map = torch.sigmoid(conv2d(spatial_stats, conv_weight, padding=PADDING))
    call_kernel(
        "attend", x, channel_weights, attention_map, shortcut_nhwc, slope.contiguous(), *kernel_args, y
    )
    return y, channel_stats, channel_argmax, channel_weights, spatial_stats, spatial_argmax, attention_map


@register_fake("cbam_add_act")
def _fake_cbam_add_act(
    x: Tensor,
    shortcut: Tensor | None,
    slope: Tensor,
    reduce_weight: Tensor,
    expand_weight: Tensor,
    conv_weight: Tensor,
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


@register_operator(
    "cbam_add_act_backward(Tensor grad_output, Tensor x, Tensor? shortcut, Tensor slope,"
    " Tensor reduce_weight, Tensor expand_weight, Tensor conv_weight, Tensor channel_stats,"
    " Tensor channel_argmax, Tensor channel_weights, Tensor spatial_stats, Tensor spatial_argmax,"
    " Tensor attention_map)"
    " -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
)
def cbam_add_act_backward(
    grad_output: Tensor,
    x: Tensor,
    shortcut: Tensor | None,
    slope: Tensor,
    reduce_weight: Tensor,
    expand_weight: Tensor,
    conv_weight: Tensor,
    *saved_tensors: Tensor,
) -> tuple[Tensor, ...]:
    """Return the gradients of the six inputs of `cbam_add_act`; the one of `shortcut` even if it was None.

    `saved_tensors` are the six tensors that `cbam_add_act` returned after y.
    """
    channel_stats, channel_argmax, channel_weights, spatial_stats, spatial_argmax, attention_map = (
        saved_tensors
    )
    grad_output, x = to_channels_last(grad_output), to_channels_last(x)
    n, c, h, w = x.shape
    kernel_args = (n, h * w, c, select_thread_count(x))
    shortcut_nhwc = None if shortcut is None else to_channels_last(shortcut)
    grad_sum, grad_attention_map, grad_slope = (
        torch.empty_like(x),
        torch.empty_like(attention_map),
        x.new_empty(c),
    )
    call_kernel(
        "sum_backward",
        grad_output,
        x,
        channel_weights,
        attention_map,
        shortcut_nhwc,
        slope.contiguous(),
        *kernel_args,
        grad_sum,
        grad_attention_map,
        grad_slope,
    )
    grad_logits = grad_attention_map * attention_map * (1 - attention_map)
    grad_spatial_stats, grad_conv_weight, _ = torch.ops.aten.convolution_backward(
        grad_logits, spatial_stats, conv_weight, None, [1, 1], [PADDING, PADDING], [1, 1], False, [0, 0], 1,
        (True, True, False),
    )  # fmt: skip
    grad_spatial_stats, grad_channel_weights = (
        grad_spatial_stats.contiguous(),
        torch.empty_like(channel_weights),
    )
    call_kernel(
        "weights_backward",
        grad_sum,
        x,
        attention_map,
        grad_spatial_stats,
        spatial_argmax,
        *kernel_args,
        grad_channel_weights,
    )
    grad_channel_stats, grad_reduce_weight, grad_expand_weight = _channel_weights_backward(
        grad_channel_weights, channel_weights, channel_stats, reduce_weight, expand_weight
    )
    grad_x = torch.empty_like(x)
    call_kernel(
        "attend_backward",
        grad_sum,
        channel_weights,
        attention_map,
        grad_spatial_stats,
        spatial_argmax,
        grad_channel_stats,
        channel_argmax,
        *kernel_args,
        grad_x,
    )
    return grad_x, grad_sum, grad_slope, grad_reduce_weight, grad_expand_weight, grad_conv_weight


@register_fake("cbam_add_act_backward")
def _fake_cbam_add_act_backward(
    grad_output: Tensor, x: Tensor, shortcut: Tensor | None, *tensors: Tensor
) -> tuple[Tensor, ...]:
    y = torch.empty_like(x, memory_format=torch.channels_last)
    return y, torch.empty_like(y), *(torch.empty_like(tensor) for tensor in tensors[:4])


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    _, *aux_outputs = output
    ctx.mark_non_differentiable(*aux_outputs)
    ctx.has_shortcut = inputs[1] is not None
    ctx.save_for_backward(*inputs, *aux_outputs)


def _backward(ctx: Any, grad_output: Tensor, *_: None) -> tuple[Tensor | None, ...]:
    grad_x, grad_shortcut, *gradients = cbam_add_act_backward(grad_output, *ctx.saved_tensors)
    return grad_x, grad_shortcut if ctx.has_shortcut else None, *gradients


torch.library.register_autograd("harness::cbam_add_act", _backward, setup_context=_setup_context)
forbid_gradient("cbam_add_act_backward")


def fused_forward(x: Tensor, attention: CBAM, *, shortcut: Tensor | None, slope: Tensor) -> Tensor:
    """Return `leaky(attention(x) + shortcut, slope)` for x (N, C, H, W) float32."""
    reduce, _, expand = attention.channel.mlp
    assert isinstance(reduce, nn.Conv2d)
    assert isinstance(expand, nn.Conv2d)
    mlp_weights = reduce.weight.flatten(1), expand.weight.flatten(1)
    y: Tensor = cbam_add_act(x, shortcut, slope, *mlp_weights, attention.spatial.conv.weight)[0]
    return y


def _compute_channel_weights(channel_stats: Tensor, reduce_weight: Tensor, expand_weight: Tensor) -> Tensor:
    """Return the channel weights (N, C) of equation (5) from the mean and maximum (2, N, C)."""
    return torch.sigmoid((torch.relu(channel_stats @ reduce_weight.t()) @ expand_weight.t()).sum(0))


def _channel_weights_backward(
    grad_output: Tensor,
    channel_weights: Tensor,
    channel_stats: Tensor,
    reduce_weight: Tensor,
    expand_weight: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of `channel_stats`, `reduce_weight` and `expand_weight`."""
    hidden = torch.relu(channel_stats @ reduce_weight.t())
    grad_logits = grad_output * channel_weights * (1 - channel_weights)
    grad_hidden = (grad_logits @ expand_weight) * (hidden > 0)
    grad_reduce_weight = grad_hidden.flatten(0, 1).t() @ channel_stats.flatten(0, 1)
    return grad_hidden @ reduce_weight, grad_reduce_weight, grad_logits.t() @ hidden.sum(0)
