"""A block network that runs through the CPU kernels, with the same parameters under the same names."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from architectures.attention import CBAM
from architectures.block import Residual
from architectures.cpu_kernels import attend, norm_act

IDENTITY = nn.Identity()


class FusedSequential(nn.Sequential):
    """A sequence that computes a norm with the activation after it, and an attention, by the kernels."""

    def forward(self, x: Tensor) -> Tensor:
        """The same as `nn.Sequential.forward`, up to rounding."""
        layers = list(self)
        while layers:
            layer = layers.pop(0)
            if not _is_supported(x) or _has_hooks(layer):
                x = layer(x)
            elif norm_act.is_fusable(layer) and _has_multiple_values(x):
                has_activation = bool(layers) and _is_activation(layers[0])
                x = norm_act.fused_forward(x, layer, layers.pop(0) if has_activation else IDENTITY)
            elif type(layer) is CBAM:
                x = attend.fused_forward(
                    x, layer, shortcut=None, slope=norm_act.get_negative_slope(IDENTITY, x)
                )
            else:
                x = layer(x)
        return x


class FusedResidual(Residual):
    """A residual block that computes its attention, sum and last activation as one operator."""

    def forward(self, x: Tensor) -> Tensor:
        """The same as `Residual.forward`, up to rounding: (N, inputs, H, W) to (N, outputs, H, W)."""
        convolution, attention = self.body.children()
        if (
            type(attention) is not CBAM
            or not _is_activation(self.activation)
            or _has_hooks(self.body, recurse=False)
        ):
            return super().forward(x)
        features, shortcut = convolution(x), self.shortcut(x)
        if not _is_supported(features) or not _is_supported(shortcut) or _has_hooks(attention):
            out: Tensor = self.activation(attention(features) + shortcut)
            return out
        slope = norm_act.get_negative_slope(self.activation, features)
        return attend.fused_forward(features, attention, shortcut=shortcut, slope=slope)


def fuse(network: nn.Module) -> nn.Module:
    """Replace the sequences and residual blocks of a block network in place, and return it.

    Modules that the kernels do not know run as they are, and so does every module for tensors other than
    float32 (N, C, H, W) on the CPU with their channels last.
    """
    for name, child in network.named_children():
        fuse(child)
        if type(child) is nn.Sequential:
            # `_modules`, as `named_children` leaves out the second use of a layer.
            replacement: nn.Module = FusedSequential(OrderedDict(child._modules))
        elif type(child) is Residual:
            replacement = FusedResidual(child.body, shortcut=child.shortcut, activation=child.activation)
        else:
            continue
        replacement.training = child.training  # not by `train`, which would reach the layers within
        setattr(network, name, replacement)
    return network


def _is_supported(x: Tensor) -> bool:
    """Whether the kernels compute on this tensor."""
    return (
        x.dtype == torch.float32
        and x.device.type == "cpu"
        and x.dim() == 4
        and x.is_contiguous(memory_format=torch.channels_last)
        and not torch.is_autocast_enabled("cpu")
    )


def _has_multiple_values(x: Tensor) -> bool:
    """Whether each channel has two values or more: batch norm refuses to be trained on one."""
    return x.numel() > x.shape[1]


def _is_activation(layer: nn.Module) -> bool:
    return type(layer) in norm_act.ACTIVATIONS and not _has_hooks(layer)


def _has_hooks(module: nn.Module, *, recurse: bool = True) -> bool:
    """Whether a hook waits for the module, or with `deep` one within it, to be called."""
    modules = module.modules() if recurse else (module,)
    return torch_module._has_any_global_hook() or any(
        submodule._forward_hooks
        or submodule._forward_pre_hooks
        or submodule._backward_hooks
        or submodule._backward_pre_hooks
        for submodule in modules
    )
