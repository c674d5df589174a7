"""Batch norm and the activation after it as one operator (Ioffe and Szegedy 2015, arXiv:1502.03167)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from architectures.cpu_kernels.library import call, fake, forbid_gradient, operator, threads

ACTIVATIONS = (nn.ReLU, nn.PReLU)


@operator("batch_norm_act(Tensor x, Tensor weight, Tensor bias, Tensor slope, float eps) -> (Tensor, Tensor)")
def batch_norm_act(
    x: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Normalise x (N, C, H, W) float32 by its own moments: y, and moments (2, C): mean and biased variance.

    y is `leaky(norm(x), slope)`, where the slope (C,) below 0 is 0 for ReLU and 1 for no activation.
    """
    x = channels_last(x)
    moments = x.new_empty(2, x.shape[1])
    call("moments", x, *rows(x), threads(x), moments)
    return _apply(x, moments.unbind(), (weight, bias, slope), eps), moments


@fake("batch_norm_act")
def _fake_batch_norm_act(
    x: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x, memory_format=torch.channels_last), x.new_empty(2, x.shape[1])


@operator(
    "norm_act(Tensor x, Tensor mean, Tensor variance, Tensor weight, Tensor bias, Tensor slope, float eps)"
    " -> Tensor"
)
def norm_act(
    x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> Tensor:
    """The same by moments (C,) that are given, for evaluation: it has no gradient."""
    return _apply(channels_last(x), (mean, variance), (weight, bias, slope), eps)


@fake("norm_act")
def _fake_norm_act(
    x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> Tensor:
    return torch.empty_like(x, memory_format=torch.channels_last)


@operator(
    "batch_norm_act_backward(Tensor g, Tensor x, Tensor moments, Tensor weight, Tensor bias, Tensor slope,"
    " float eps) -> (Tensor, Tensor)"
)
def batch_norm_act_backward(
    g: Tensor, x: Tensor, moments: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """The gradient of x, and those of weight, bias and slope (3, C), given g, that of y."""
    g, x = channels_last(g), channels_last(x)
    gx, gradients = torch.empty_like(x), x.new_empty(3, x.shape[1])
    parameters = contiguous((weight, bias, slope))
    call("norm_act_backward", g, x, *moments.unbind(), *parameters, eps, *rows(x), threads(x), gx, gradients)
    return gx, gradients


@fake("batch_norm_act_backward")
def _fake_batch_norm_act_backward(
    g: Tensor, x: Tensor, moments: Tensor, weight: Tensor, bias: Tensor, slope: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x, memory_format=torch.channels_last), x.new_empty(3, x.shape[1])


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *tensors, ctx.eps = inputs
    moments = output[1]
    ctx.mark_non_differentiable(moments)
    ctx.save_for_backward(moments, *tensors)


def _backward(ctx: Any, g: Tensor, _: None) -> tuple[Tensor | None, ...]:
    moments, x, *parameters = ctx.saved_tensors
    gx, gradients = batch_norm_act_backward(g, x, moments, *parameters, ctx.eps)
    return gx, *gradients.unbind(), None


torch.library.register_autograd("harness::batch_norm_act", _backward, setup_context=_setup)
forbid_gradient("norm_act")
forbid_gradient("batch_norm_act_backward")


def run(x: Tensor, norm: nn.BatchNorm2d, activation: nn.Module) -> Tensor:
    """`activation(norm(x))` of (N, C, H, W) float32; a norm in training updates its running statistics."""
    slope = slope_of(activation, x)
    if not norm.training:
        moments = norm.running_mean, norm.running_var
        y: Tensor = norm_act(x, *moments, norm.weight, norm.bias, slope, norm.eps)
        return y
    y, moments = batch_norm_act(x, norm.weight, norm.bias, slope, norm.eps)
    _update_running(norm, *moments, values=x.numel() // x.shape[1])
    return y


def fits(norm: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Whether the operators compute this norm, in its mode: not if it has a gradient in evaluation."""
    return (
        type(norm) is nn.BatchNorm2d
        and norm.affine
        and norm.track_running_stats
        and norm.momentum is not None
        and (norm.training or not torch.is_grad_enabled())
    )


def slope_of(activation: nn.Module, x: Tensor) -> Tensor:
    """The activation's slope below 0 for each channel of x: 0 for ReLU, 1 for an identity."""
    channels = x.shape[1]
    if isinstance(activation, nn.PReLU):
        return activation.weight.expand(channels)
    return x.new_full((channels,), 0.0 if isinstance(activation, nn.ReLU) else 1.0)


@torch.no_grad()
def _update_running(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, *, values: int) -> None:
    assert norm.momentum is not None
    norm.get_buffer("num_batches_tracked").add_(1)
    norm.get_buffer("running_mean").lerp_(mean, norm.momentum)
    norm.get_buffer("running_var").lerp_(variance * (values / (values - 1)), norm.momentum)


def _apply(x: Tensor, moments: Sequence[Tensor], parameters: Sequence[Tensor], eps: float) -> Tensor:
    y = torch.empty_like(x)
    call("norm_act", x, *moments, *contiguous(parameters), eps, *rows(x), threads(x), y)
    return y


def contiguous(tensors: Sequence[Tensor]) -> Iterator[Tensor]:
    """Each tensor as the kernels read it: one slope for all channels is expanded to one for each."""
    return (tensor.contiguous() for tensor in tensors)


def channels_last(x: Tensor) -> Tensor:
    """`x` with its channels last in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def rows(x: Tensor) -> tuple[int, int]:
    """Positions and channels of (N, C, H, W)."""
    return x.numel() // x.shape[1], x.shape[1]
