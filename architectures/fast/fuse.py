"""A network whose blocks run through the kernels: the same parameters under the same names."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from architectures.attention import CBAM
from architectures.block import Residual
from architectures.fast import depthwise, pointwise, pool
from architectures.fast.attend import attend
from architectures.fast.norm import norm_act


class FusedSequential(nn.Sequential):
    """A sequence in which depthwise convolutions, and norms with their activation, are the kernels'."""

    def forward(self, x: Tensor) -> Tensor:
        """As the sequence that it was made from."""
        if _differs(self):
            for layer in self:
                x = layer(x)
            return x
        return self.through(x, spare=False)

    def through(self, x: Tensor, *, spare: bool) -> Tensor:
        """The same; `spare` says that nothing else will hold the gradient of the result."""
        layers = list(self)
        while layers:
            layer = layers.pop(0)
            if isinstance(layer, nn.BatchNorm2d):
                activated = bool(layers) and isinstance(layers[0], nn.ReLU | nn.PReLU)
                activation = layers.pop(0) if activated else nn.Identity()
                alone = isinstance(layers[0], nn.Conv2d) if layers else spare
                x = norm_act(x, layer, activation, spare=alone)
            elif isinstance(layer, CBAM):
                x = attend(x, layer, shortcut=None, activation=nn.Identity())
            elif depthwise.fits(layer):
                x = depthwise.depthwise(x, layer)
            elif pointwise.fits(layer):
                normed = bool(layers) and isinstance(layers[0], nn.BatchNorm2d)
                x = pointwise.pointwise(x, layer, normed=normed)
            elif pool.fits(layer):
                x = pool.max_pool(x)
            else:
                x = layer(x)
        return x


class FusedResidual(Residual):
    """`activation(attention(convolution(x)) + shortcut(x))`, the last three as one operator."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        convolution, attention = self.body.children()
        if not isinstance(attention, CBAM) or not isinstance(convolution, FusedSequential) or _differs(self):
            return super().forward(x)
        shortcut = self.shortcut
        beside = shortcut.through(x, spare=True) if isinstance(shortcut, FusedSequential) else x
        x = convolution.through(x, spare=True)
        return attend(x, attention, shortcut=beside, activation=self.activation)


def _differs(module: nn.Module) -> bool:
    """Whether the kernels' gradients, which are those of training, would be the wrong ones."""
    return not module.training and torch.is_grad_enabled()


def fuse(network: nn.Module) -> nn.Module:
    """`network` itself, its sequences and residual blocks made the kernels', with the parameters they had.

    It takes float32 images on the CPU.
    """
    for name, child in network.named_children():
        fuse(child)
        if isinstance(child, nn.Sequential) and type(child).forward is nn.Sequential.forward:
            fused = FusedSequential(OrderedDict(child.named_children()))
            setattr(network, name, fused.train(child.training))
        elif type(child) is Residual:
            block = FusedResidual(child.body, shortcut=child.shortcut, activation=child.activation)
            setattr(network, name, block.train(child.training))
    return network
