"""Random changes to a batch of images: one affine map of coordinates and one of colours for every sample.

The paper names flip, rotation, scale, crop, brightness, contrast, saturation and hue. Composed into one map
each, they cost one resampling and one pass over the colours, on the images' device. Unlike torchvision's,
values are clamped once, at the end, and grey is the plain mean of red, green and blue, about whose axis hue
turns and saturation stretches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from datasets.spec import AugmentationSpec

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """What was drawn for N samples, each of shape (N,): angles in radians, shifts in shares of the side."""

    flip: Tensor
    rotation: Tensor
    scale: Tensor
    shift_x: Tensor
    shift_y: Tensor
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor


def augment(images: Tensor, spec: AugmentationSpec, *, generator: torch.Generator) -> Tensor:
    """Change each of N images by its own draw.

    Args:
        images: (N, 3, H, W), uint8, or float in [0, 1].
        spec: The ranges to draw from.
        generator: A CPU generator; the draws do not depend on the images' device.

    Returns:
        float32 (N, 3, H, W) in [0, 1] on the images' device.
    """
    images = as_float(images)
    draws = draw(len(images), spec, generator=generator)
    height, width = images.shape[-2:]
    moved = move(images, coordinates(draws, height=height, width=width).to(images.device))
    means = moved.mean(dim=(1, 2, 3))
    return _affine(colours(draws, means=means), moved).clamp_(0, 1)


def as_float(images: Tensor) -> Tensor:
    """uint8 to float32 in [0, 1]; floats to float32 as they are."""
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def normalise(images: Tensor) -> Tensor:
    """(N, 3, H, W) in [0, 1] to zero mean and unit variance over ImageNet, channel by channel."""
    mean = images.new_tensor(IMAGENET_MEAN)[:, None, None]
    return (images - mean) / images.new_tensor(IMAGENET_STD)[:, None, None]


def uniform(count: int, *, generator: torch.Generator) -> Tensor:
    """(N, 9) numbers in [0, 1), a row for each sample: its changes in the order of `Draws`."""
    return torch.rand(count, 9, generator=generator)


def draw(count: int, spec: AugmentationSpec, *, generator: torch.Generator) -> Draws:
    """Draw the changes of `count` samples, uniformly from the spec's ranges."""
    chance, *columns = uniform(count, generator=generator).unbind(1)
    rotation, scale, shift_x, shift_y, brightness, contrast, saturation, hue = (2 * u - 1 for u in columns)
    return Draws(
        flip=chance < spec.flip,
        rotation=math.radians(spec.rotation) * rotation,
        scale=1 + spec.scale * scale,
        shift_x=spec.crop * shift_x,
        shift_y=spec.crop * shift_y,
        brightness=1 + spec.brightness * brightness,
        contrast=1 + spec.contrast * contrast,
        saturation=1 + spec.saturation * saturation,
        hue=2 * math.pi * spec.hue * hue,
    )


def coordinates(draws: Draws, *, height: int, width: int) -> Tensor:
    """(N, 2, 3): from a place in the output to the one it is taken from, both as (x, y) in [-1, 1].

    Forward, an image is flipped, turned clockwise by `rotation`, grown by `scale` and shifted right and down;
    this is the way back. Angles hold in pixels, so a turn of an oblong image is scaled by its sides.
    """
    mirror = torch.where(draws.flip, -1.0, 1.0)
    cos, sin = draws.rotation.cos() / draws.scale, draws.rotation.sin() / draws.scale
    xx, xy = mirror * cos, mirror * sin * (height / width)
    yx, yy = -sin * (width / height), cos
    right, down = 2 * draws.shift_x, 2 * draws.shift_y
    rows = torch.stack((xx, xy, -(xx * right + xy * down), yx, yy, -(yx * right + yy * down)), dim=1)
    return rows.view(-1, 2, 3)


def colours(draws: Draws, *, means: Tensor) -> Tensor:
    """(N, 3, 4): from a colour to its new one; `means` (N,) are the images' mean grey levels.

    Hue turns about the grey axis (Rodrigues), saturation stretches away from it, brightness scales, and
    contrast stretches away from the mean grey, which hue and saturation leave where it is.
    """
    grey = torch.full((3, 3), 1 / 3)
    turn = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    cos, sin = (draws.saturation * part for part in (draws.hue.cos(), draws.hue.sin()))
    turned = grey + cos[:, None, None] * (torch.eye(3) - grey) + sin[:, None, None] * turn
    linear = (draws.contrast * draws.brightness)[:, None, None] * turned
    offset = (draws.brightness * (1 - draws.contrast)).to(means.device) * means
    return torch.cat((linear.to(means.device), offset[:, None, None].expand(-1, 3, 1)), dim=2)


def move(images: Tensor, places: Tensor) -> Tensor:
    """Resample (N, 3, H, W) images by (N, 2, 3) maps of coordinates; what lies outside is mirrored in."""
    height, width = images.shape[-2:]
    x = (torch.arange(width, device=images.device) * 2 + 1) / width - 1
    y = (torch.arange(height, device=images.device) * 2 + 1) / height - 1
    plane = torch.stack(torch.meshgrid(x, y, indexing="xy")).expand(len(images), -1, -1, -1)
    grid = _affine(places, plane).movedim(1, -1)
    return grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _affine(maps: Tensor, values: Tensor) -> Tensor:
    """Apply (N, R, K+1) affine maps at every pixel of (N, K, H, W) values: (N, R, H, W).

    Channel by channel and not as a matrix product, which would follow the run's setting for those: in TF32 or
    bfloat16 a coordinate is off by a part of a pixel.
    """
    out = maps[:, :, -1, None, None]
    for channel in range(values.shape[1]):
        out = torch.addcmul(out, maps[:, :, channel, None, None], values[:, channel : channel + 1])
    return out
