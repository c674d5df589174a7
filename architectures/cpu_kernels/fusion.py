"""Run a block network through the CPU kernels, with the same parameters under the same names."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from architectures.attention import CBAM
from architectures.block import Residual
from architectures.cpu_kernels import cbam_add_act, norm_act

IDENTITY = nn.Identity()


class FusedSequential(nn.Sequential):
    """A sequence that runs a norm with the activation after it as one kernel, and CBAM as another.

    `norm_act` and `cbam_add_act` describe the kernels and name their sources.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Compute what `nn.Sequential.forward` computes for x (N, C, H, W), up to rounding."""
        layers = list(self)
        while layers:
            x = _run_next_layer(layers, x)
        return x


class FusedResidual(Residual):
    """A residual block (the paper's figure 4) that runs CBAM, the sum and the activation as one kernel."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute activation(attention(convolution(x)) + shortcut(x)) for x (N, C, H, W), up to rounding."""
        convolution, attention = self.body.children()
        if type(attention) is not CBAM or _has_hooks(self.body, recurse=False):
            return super().forward(x)
        return _attend_add_activate(convolution(x), self.shortcut(x), attention, self.activation)


def _run_next_layer(layers: list[nn.Module], x: Tensor) -> Tensor:
    """Remove the first layer, with an activation that its kernel includes, and return its output for x."""
    layer = layers.pop(0)
    is_stock = not _is_supported(x) or _has_hooks(layer)
    if not is_stock and norm_act.is_fusable(layer) and _has_multiple_values(x):
        has_activation = bool(layers) and _is_activation(layers[0])
        return norm_act.fused_forward(x, layer, layers.pop(0) if has_activation else IDENTITY)
    if not is_stock and type(layer) is CBAM:
        slope = norm_act.get_negative_slope(IDENTITY, x)
        return cbam_add_act.fused_forward(x, layer, shortcut=None, slope=slope)
    out: Tensor = layer(x)
    return out


def _attend_add_activate(
    features: Tensor, shortcut: Tensor, attention: CBAM, activation: nn.Module
) -> Tensor:
    """Return activation(attention(features) + shortcut), (N, C, H, W), by one kernel if it accepts them."""
    is_fusable = (
        _is_activation(activation)
        and not _has_hooks(attention)
        and _is_supported(features)
        and _is_supported(shortcut)
    )
    if not is_fusable:
        out: Tensor = activation(attention(features) + shortcut)
        return out
    slope = norm_act.get_negative_slope(activation, features)
    return cbam_add_act.fused_forward(features, attention, shortcut=shortcut, slope=slope)


def fuse(network: nn.Module) -> nn.Module:
    """Replace the sequences and residual blocks of a block network in place, and return it.

    Modules without a kernel run unchanged. Every module runs unchanged on a tensor that is not float32
    (N, C, H, W) on the CPU in channels-last memory format.
    """
    for name, child in network.named_children():
        fuse(child)
        if type(child) is nn.Sequential:
            # `_modules`, because `named_children` leaves out the second use of a layer.
            replacement: nn.Module = FusedSequential(OrderedDict(child._modules))
        elif type(child) is Residual:
            replacement = FusedResidual(child.body, shortcut=child.shortcut, activation=child.activation)
        else:
            continue
        replacement.training = child.training  # not `train()`, which would also change the submodules
        setattr(network, name, replacement)
    return network


def _is_supported(x: Tensor) -> bool:
    """Return whether the kernels accept the tensor."""
    return (
        x.dtype == torch.float32
        and x.device.type == "cpu"
        and x.dim() == 4
        and x.is_contiguous(memory_format=torch.channels_last)
        and not torch.is_autocast_enabled("cpu")
    )


def _has_multiple_values(x: Tensor) -> bool:
    """Return whether each channel has at least two values: batch norm cannot train on one."""
    return x.numel() > x.shape[1]


def _is_activation(layer: nn.Module) -> bool:
    return type(layer) in norm_act.ACTIVATIONS and not _has_hooks(layer)


def _has_hooks(module: nn.Module, *, recurse: bool = True) -> bool:
    """Return whether a hook is registered globally, on `module`, or with `recurse` on a submodule."""
    modules = module.modules() if recurse else (module,)
    return torch_module._has_any_global_hook() or any(
        submodule._forward_hooks
        or submodule._forward_pre_hooks
        or submodule._backward_hooks
        or submodule._backward_pre_hooks
        for submodule in modules
    )
