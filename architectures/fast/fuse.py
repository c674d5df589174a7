"""A network whose blocks run through the kernels: the same parameters under the same names."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torchvision.models.shufflenetv2 import InvertedResidual, channel_shuffle

from architectures.attention import CBAM
from architectures.block import Residual
from architectures.fast import depthwise, norm, pointwise, pool, wide
from architectures.fast.attend import attend
from architectures.fast.norm import Normed

IDENTITY = nn.Identity()

LEAKY = (nn.ReLU, nn.PReLU)
"""Activations that every operator with a norm knows; that of the norm alone knows `norm.SMOOTH` too."""


class FusedSequential(nn.Sequential):
    """A sequence whose depthwise convolutions, norms with activations, attentions are the kernels'."""

    def forward(self, x: Tensor) -> Tensor:
        """As the sequence that it was made from."""
        if _differs(self):
            for layer in self:
                x = layer(x)
            return x
        return _through(list(self), x)


class FusedResidual(Residual):
    """`activation(attention(convolution(x)) + shortcut(x))`, the last three as one operator."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        convolution, attention = self.body.children()
        if not _plain(x) or _differs(self) or not _joined(convolution, attention):
            return super().forward(x)
        layers, beside = list(convolution), x
        if depthwise.fits(layers[0]) and not _hooked(layers[0]):
            x, beside = depthwise.shared(x, layers.pop(0), _first_norm(layers, x))
        if _ours(self.shortcut):
            beside = _through(list(self.shortcut), beside, spare=True)
        else:
            beside = self.shortcut(beside)
        return _attended(layers, x, attention, shortcut=beside, activation=self.activation)


class FusedShuffle(nn.Module):
    """ShuffleNetV2's unit, whose halves are interleaved as they are joined instead of afterwards."""

    def __init__(self, unit: InvertedResidual) -> None:
        super().__init__()
        self.stride, self.branch1, self.branch2 = unit.stride, unit.branch1, unit.branch2

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        if self.stride == 1:
            first, second = x.chunk(2, dim=1)
        else:
            first, second = self.branch1(x), x
        halves = first, self.branch2(second)
        if not _plain(x):
            out: Tensor = channel_shuffle(torch.cat(halves, dim=1), 2)
            return out
        return torch.stack([half.movedim(1, 3) for half in halves], dim=4).flatten(3).movedim(3, 1)


def _through(layers: list[nn.Module], x: Tensor, *, spare: bool = False, normed: bool = False) -> Tensor:
    """`x` after all layers, which are used up.

    `spare` says that nothing else will hold the gradient of the result, `normed` that a norm takes it.
    """
    while layers:
        layer = layers.pop(0)
        if not _plain(x) or _hooked(layer):
            x = layer(x)
        elif norm.fits(layer):
            activation = _activation(layers, among=(*LEAKY, *norm.SMOOTH))
            alone = isinstance(layers[0], nn.Conv2d) if layers else spare
            x = norm.norm_act(x, layer, activation, spare=alone)
        elif depthwise.fits(layer):
            x = depthwise.depthwise(x, layer, _first_norm(layers, x))
        elif wide.fits(layer):
            x = wide.wide(x, layer)
        elif pointwise.fits(layer) and (norm.fits(layers[0]) if layers else normed):
            x = pointwise.pointwise(x, layer)
        elif pool.fits(layer):
            x = pool.max_pool(x)
        elif layers and _joined(layer, layers[0]):
            x = _attended(list(layer), x, layers.pop(0))
        elif type(layer) is CBAM:
            x = attend(x, layer, activation=IDENTITY)
        else:
            x = layer(x)
    return x


def _attended(
    layers: list[nn.Module],
    x: Tensor,
    attention: nn.Module,
    *,
    shortcut: Tensor | None = None,
    activation: nn.Module = IDENTITY,
) -> Tensor:
    """`activation(attention(x after all layers) + shortcut)`, of which a norm that is last is a part."""
    assert isinstance(attention, CBAM)
    before = _last_norm(layers)
    x = _through(layers, x, normed=before is not None)
    if before is not None and norm.alone(x, before[0]):
        x, before = norm.norm_act(x, *before, spare=False), None
    return attend(x, attention, before=before, shortcut=shortcut, activation=activation)


def _activation(layers: list[nn.Module], *, among: tuple[type, ...] = LEAKY) -> nn.Module:
    """The activation that comes next, taken from `layers`, or none."""
    return layers.pop(0) if layers and _activates(layers[0], among) else IDENTITY


def _first_norm(layers: list[nn.Module], x: Tensor) -> Normed | None:
    """The norm of something like `x` that comes next, with its activation, taken from `layers`.

    None where the two of them are an operator, which is more than the norm would save as a part of another.
    """
    first, second = (*layers, IDENTITY, IDENTITY)[:2]
    if not norm.fits(first) or _hooked(first) or norm.alone(x, first) or _activates(second, norm.SMOOTH):
        return None
    del layers[0]
    return first, _activation(layers)


def _last_norm(layers: list[nn.Module]) -> Normed | None:
    """The norm that closes `layers`, with its activation, taken from them."""
    activates = bool(layers) and _activates(layers[-1])
    last, *activation = (IDENTITY, *layers)[-1 - activates :]
    if not norm.fits(last) or _hooked(last):
        return None
    del layers[-1 - activates :]
    return last, _activation(activation)


def _activates(layer: nn.Module, among: tuple[type, ...] = LEAKY) -> bool:
    return type(layer) in among and not _hooked(layer)


def _ours(layer: nn.Module) -> TypeGuard[FusedSequential]:
    """Whether it is a sequence that is run here, as what it is followed by is of interest to it."""
    return type(layer) is FusedSequential and not _hooked(layer) and not _differs(layer)


def _joined(layer: nn.Module, attention: nn.Module) -> TypeGuard[FusedSequential]:
    """Whether it is such a sequence, and an attention of the kernels' follows."""
    return _ours(layer) and type(attention) is CBAM and not _hooked(attention)


def _differs(module: nn.Module) -> bool:
    """Whether the kernels' gradients, which are those of training, would be the wrong ones."""
    return not module.training and torch.is_grad_enabled()


def _plain(x: Tensor) -> bool:
    """Whether it is what the kernels take: (N, C, H, W) float32 with its channels last.

    Their pointers would read other numbers as if they were these, and planes would have to be laid out anew.
    """
    ours = x.dtype == torch.float32 and x.device.type == "cpu" and x.dim() == 4
    return ours and x.is_contiguous(memory_format=torch.channels_last)


def _hooked(layer: nn.Module) -> bool:
    """Whether a user's hook waits for the layer to be called, as torch's older spectral norm does."""
    return bool(layer._forward_pre_hooks or layer._forward_hooks or layer._backward_hooks)


def fuse(network: nn.Module) -> nn.Module:
    """`network` itself, its sequences and blocks made the kernels', with the parameters they had.

    What the kernels do not know, and what is no float32 on the CPU, goes through the modules as before.
    """
    for name, child in network.named_children():
        fuse(child)
        if isinstance(child, nn.Sequential) and type(child).forward is nn.Sequential.forward:
            # With each use of a layer that is used twice, which `children` does not tell.
            fused: nn.Module = FusedSequential(OrderedDict(child._modules))
        elif type(child) is Residual:
            fused = FusedResidual(child.body, shortcut=child.shortcut, activation=child.activation)
        elif type(child) is InvertedResidual:
            fused = FusedShuffle(child)
        else:
            continue
        fused.training = child.training  # not through `train`, which would thaw what is frozen within
        setattr(network, name, fused)
    return network
