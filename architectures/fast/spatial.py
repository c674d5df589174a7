"""The spatial attention's 7x7 convolution of two planes, with the sigmoid after it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from architectures.fast.kernels import call, threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Spatial:
    """Equation (6) of `pooled` (N, 2, H, W): `map` (N, H * W), of a kernel (1, 2, 7, 7)."""

    pooled: Tensor
    kernel: Tensor
    map: Tensor

    def gradients(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Those of `pooled` and the kernel, given that of the map."""
        images, _, height, width = self.pooled.shape
        before = torch.ops.aten.sigmoid_backward(gradient, self.map)
        turned = self.kernel.flatten(2).flip(2).contiguous()
        pooled, kernels = torch.empty_like(self.pooled), torch.empty(images, *self.kernel.shape[1:])
        size = images, height, width, threads(self.pooled)
        call("spatial_back", before, self.pooled, turned, *size, pooled, kernels)
        return pooled, kernels.double().sum(0, keepdim=True).float()


def spatial(pooled: Tensor, kernel: Tensor) -> Spatial:
    """The spatial attention's map of contiguous mean and largest values over channels."""
    images, _, height, width = pooled.shape
    kernel = kernel.contiguous()
    map = torch.empty(images, height * width)
    call("spatial", pooled, kernel, images, height, width, threads(pooled), map)
    return Spatial(pooled=pooled, kernel=kernel, map=map.sigmoid_())
