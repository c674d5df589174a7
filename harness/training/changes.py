"""A batch as training sees it: changed at random, normalised, laid out as the network's weights lie."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from architectures.fast.kernels import call, threads
from datasets.augment import IMAGENET_MEAN, IMAGENET_STD, augment, normalise, uniform
from studies.spec import TrainingSpec

SOURCES = (Path(__file__).with_name("augment.cpp"),)


def changing(
    training: TrainingSpec, *, generator: torch.Generator, layout: torch.memory_format
) -> Callable[[Tensor], Tensor]:
    """`normalise(augment(images))` of (N, 3, H, W) uint8 on their device, float32 in that layout.

    Where training is fused one kernel does it, by the same draws.
    """
    spec = training.augmentation
    if not training.fused:
        return lambda images: normalise(augment(images, spec, generator=generator)).contiguous(
            memory_format=layout
        )
    moves = (spec.flip, math.radians(spec.rotation), spec.scale, spec.crop, spec.crop)
    tints = (spec.brightness, spec.contrast, spec.saturation, 2 * math.pi * spec.hue)
    scales = torch.tensor(moves + tints), torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)

    def fused(images: Tensor) -> Tensor:
        assert images.dtype == torch.uint8, "the kernel reads bytes"
        images, (count, _, height, width) = images.contiguous(), images.shape
        out = torch.empty(images.shape, memory_format=layout)
        size = count, height, width, layout == torch.channels_last, threads(images)
        drawn = uniform(count, generator=generator)
        call("augment", images, drawn, *scales, *size, out, sources=SOURCES)
        return out

    return fused
