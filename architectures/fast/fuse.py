"""A network whose blocks run through the kernels: the same parameters under the same names."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from architectures.attention import CBAM
from architectures.block import Residual
from architectures.fast import depthwise, norm, pointwise, pool
from architectures.fast.attend import attend


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
            if not _plain(x) or _hooked(layer):
                x = layer(x)
            elif norm.fits(layer):
                activated = bool(layers) and type(layers[0]) in (nn.ReLU, nn.PReLU) and not _hooked(layers[0])
                activation = layers.pop(0) if activated else nn.Identity()
                alone = isinstance(layers[0], nn.Conv2d) if layers else spare
                x = norm.norm_act(x, layer, activation, spare=alone)
            elif isinstance(layer, CBAM):
                x = attend(x, layer, shortcut=None, activation=nn.Identity())
            elif depthwise.fits(layer):
                x = depthwise.depthwise(x, layer)
            elif pointwise.fits(layer):
                normed = bool(layers) and norm.fits(layers[0])
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
        if not isinstance(attention, CBAM) or not isinstance(convolution, FusedSequential):
            return super().forward(x)
        if not _plain(x) or _differs(self):
            return super().forward(x)
        shortcut = self.shortcut
        beside = shortcut.through(x, spare=True) if isinstance(shortcut, FusedSequential) else x
        x = convolution.through(x, spare=True)
        return attend(x, attention, shortcut=beside, activation=self.activation)


def _differs(module: nn.Module) -> bool:
    """Whether the kernels' gradients, which are those of training, would be the wrong ones."""
    return not module.training and torch.is_grad_enabled()


def _plain(x: Tensor) -> bool:
    """Whether it is what the kernels take: their pointers would read anything else as if it were."""
    return x.dtype == torch.float32 and x.device.type == "cpu" and x.dim() == 4


def _hooked(layer: nn.Module) -> bool:
    """Whether a user's hook waits for the layer to be called, as torch's older spectral norm does."""
    return bool(layer._forward_pre_hooks or layer._forward_hooks or layer._backward_hooks)


def fuse(network: nn.Module) -> nn.Module:
    """`network` itself, its sequences and residual blocks made the kernels', with the parameters they had.

    What the kernels do not know, and what is no float32 on the CPU, goes through the modules as before.
    """
    for name, child in network.named_children():
        fuse(child)
        if isinstance(child, nn.Sequential) and type(child).forward is nn.Sequential.forward:
            fused = FusedSequential(
                OrderedDict(child._modules)
            )  # with each use of a layer that is used twice
            setattr(network, name, fused.train(child.training))
        elif type(child) is Residual:
            block = FusedResidual(child.body, shortcut=child.shortcut, activation=child.activation)
            setattr(network, name, block.train(child.training))
    return network
