"""Batch norm and the activation after it as one operator (Ioffe and Szegedy 2015, arXiv:1502.03167)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from architectures.cpu_kernels.library import (
    call_kernel,
    forbid_gradient,
    register_fake,
    register_operator,
    select_thread_count,
)

ACTIVATIONS = (nn.ReLU, nn.PReLU)


@register_operator(
    "batch_norm_act(Tensor x, Tensor weight, Tensor bias, Tensor slope, float eps) -> (Tensor, Tensor)"
)
def batch_norm_act(
    x: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Normalize x (N, C, H, W) float32 by its batch statistics and apply the activation.

    Returns:
        y = `leaky(norm(x), slope)`, and the moments (2, C): mean and biased variance. `slope` (C,) is the
        negative slope: 0 for ReLU, 1 for no activation.
    """
    x = to_channels_last(x)
    moments = x.new_empty(2, x.shape[1])
    call_kernel("moments", x, *matrix_shape(x), select_thread_count(x), moments)
    return _run_kernel(x, moments.unbind(), (weight, bias, slope), eps), moments


@register_fake("batch_norm_act")
def _fake_batch_norm_act(
    x: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x, memory_format=torch.channels_last), x.new_empty(2, x.shape[1])


@register_operator(
    "norm_act(Tensor x, Tensor mean, Tensor variance, Tensor weight, Tensor bias, Tensor slope, float eps)"
    " -> Tensor"
)
def norm_act(
    x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> Tensor:
    """Compute `leaky(norm(x), slope)` with the given mean (C,) and variance (C,). It has no gradient."""
    return _run_kernel(to_channels_last(x), (mean, variance), (weight, bias, slope), eps)


@register_fake("norm_act")
def _fake_norm_act(
    x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> Tensor:
    return torch.empty_like(x, memory_format=torch.channels_last)


@register_operator(
    "batch_norm_act_backward(Tensor grad_output, Tensor x, Tensor moments, Tensor weight, Tensor bias,"
    " Tensor slope, float eps) -> (Tensor, Tensor)"
)
def batch_norm_act_backward(
    grad_output: Tensor, x: Tensor, moments: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return the gradient of x, and the gradients of weight, bias and slope as one tensor (3, C)."""
    grad_output, x = to_channels_last(grad_output), to_channels_last(x)
    grad_x, grad_parameters = torch.empty_like(x), x.new_empty(3, x.shape[1])
    parameters = to_contiguous((weight, bias, slope))
    call_kernel(
        "norm_act_backward",
        grad_output,
        x,
        *moments.unbind(),
        *parameters,
        eps,
        *matrix_shape(x),
        select_thread_count(x),
        grad_x,
        grad_parameters,
    )
    return grad_x, grad_parameters


@register_fake("batch_norm_act_backward")
def _fake_batch_norm_act_backward(
    grad_output: Tensor, x: Tensor, moments: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x, memory_format=torch.channels_last), x.new_empty(3, x.shape[1])


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *tensors, ctx.eps = inputs
    moments = output[1]
    ctx.mark_non_differentiable(moments)
    ctx.save_for_backward(moments, *tensors)


def _backward(ctx: Any, grad_output: Tensor, _: None) -> tuple[Tensor | None, ...]:
    moments, x, *parameters = ctx.saved_tensors
    grad_x, grad_parameters = batch_norm_act_backward(grad_output, x, moments, *parameters, ctx.eps)
    return grad_x, *grad_parameters.unbind(), None


torch.library.register_autograd("harness::batch_norm_act", _backward, setup_context=_setup_context)
forbid_gradient("norm_act")
forbid_gradient("batch_norm_act_backward")


def fused_forward(x: Tensor, norm: nn.BatchNorm2d, activation: nn.Module) -> Tensor:
    """Return `activation(norm(x))` for x (N, C, H, W) float32.

    In training mode the norm updates its running statistics.
    """
    slope = get_negative_slope(activation, x)
    if not norm.training:
        moments = norm.running_mean, norm.running_var
        y: Tensor = norm_act(x, *moments, norm.weight, norm.bias, slope, norm.eps)
        return y
    y, moments = batch_norm_act(x, norm.weight, norm.bias, slope, norm.eps)
    _update_running_stats(norm, *moments, count=x.numel() // x.shape[1])
    return y


def is_fusable(norm: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Return whether the operators support `norm` in its mode: they have no gradient in eval mode."""
    return (
        type(norm) is nn.BatchNorm2d
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
        and (norm.training or not torch.is_grad_enabled())
    )


def get_negative_slope(activation: nn.Module, x: Tensor) -> Tensor:
    """Return the activation's negative slope for each channel of x: 0 for ReLU, 1 for an identity."""
    channels = x.shape[1]
    if isinstance(activation, nn.PReLU):
        return activation.weight.expand(channels)
    return x.new_full((channels,), 0.0 if isinstance(activation, nn.ReLU) else 1.0)


@torch.no_grad()
def _update_running_stats(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, *, count: int) -> None:
    assert norm.momentum is not None
    norm.get_buffer("num_batches_tracked").add_(1)
    norm.get_buffer("running_mean").lerp_(mean, norm.momentum)
    norm.get_buffer("running_var").lerp_(variance * (count / (count - 1)), norm.momentum)


def _run_kernel(x: Tensor, moments: Sequence[Tensor], parameters: Sequence[Tensor], eps: float) -> Tensor:
    y = torch.empty_like(x)
    call_kernel(
        "norm_act", x, *moments, *to_contiguous(parameters), eps, *matrix_shape(x), select_thread_count(x), y
    )
    return y


def to_contiguous(tensors: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield contiguous copies, as the kernels read them: an expanded slope becomes one value per channel."""
    return (tensor.contiguous() for tensor in tensors)


def to_channels_last(x: Tensor) -> Tensor:
    """Return `x` in channels-last memory format."""
    return x.contiguous(memory_format=torch.channels_last)


def matrix_shape(x: Tensor) -> tuple[int, int]:
    """Return the number of positions (N * H * W) and of channels of x (N, C, H, W)."""
    return x.numel() // x.shape[1], x.shape[1]
