"""Random changes of a batch of images, as one affine map of coordinates and one of colors per sample.

The paper lists flip, rotation, scale, crop, brightness, contrast, saturation and hue. Composed into one map
each, they take one resampling and one pass over the colors, on the device of the images. Two things differ
from torchvision: values are clamped once, at the end, and gray is the plain mean of red, green and blue; hue
rotates about this gray axis, and saturation scales the distance from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from datasets.spec import AugmentationSpec

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentParams:
    """Random parameters of N samples, of shape (N,): angles in radians, shifts as fractions of the side."""

    flip: Tensor
    rotation: Tensor
    scale: Tensor
    shift_x: Tensor
    shift_y: Tensor
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor


def augment(images: Tensor, params: AugmentParams) -> Tensor:
    """Apply the changes `params` to N images on the same device, without waiting for the device.

    Args:
        images: (N, 3, H, W), uint8, or float in [0, 1].
        params: The parameters of N samples: see `sample_params` and `scale_to_params`.

    Returns:
        float32 (N, 3, H, W) in [0, 1].
    """
    images = to_float(images)
    height, width = images.shape[-2:]
    warped_images = warp(images, affine_matrices(params, height=height, width=width))
    gray_means = warped_images.mean(dim=(1, 2, 3))
    return _apply_affine(color_matrices(params, gray_means=gray_means), warped_images).clamp_(0, 1)


def augment_flow(maps: Tensor, params: AugmentParams) -> Tensor:
    """Apply the changes of coordinates to N maps of u, v and strain, and turn their vectors in the same way.

    A flip negates u. A rotation and a scale change u and v as they change the positions of the pixels.
    Changes of color do not apply. With `FlowSpec.scale` "image" u and v have different units, and the
    rotation of their vectors is approximate.

    Args:
        maps: (N, 3, H, W), floats of any range.
        params: The parameters of N samples: see `sample_params` and `scale_to_params`.

    Returns:
        float32 (N, 3, H, W).
    """
    height, width = maps.shape[-2:]
    warped_maps = warp(maps.float(), affine_matrices(params, height=height, width=width))
    return _apply_affine(vector_matrices(params), warped_maps)


def to_float(images: Tensor) -> Tensor:
    """Convert uint8 to float32 in [0, 1], and other types to float32 without scaling."""
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def make_normalize(device: torch.device, *, dtype: torch.dtype = torch.uint8) -> Callable[[Tensor], Tensor]:
    """Return a function that normalizes images by the ImageNet mean and deviation of each channel.

    The function takes (N, 3, H, W) float32 images in [0, 1] on `device`. The two constants are copied to
    `device` here, as a copy in each training step would wait for the device. Images that are stored as
    `dtype` floats are maps of a flow, which the function returns unchanged.
    """
    if dtype.is_floating_point:
        return lambda maps: maps
    mean, std = (
        torch.tensor(values, device=device)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD)
    )

    def normalize(images: Tensor) -> Tensor:
        return (images - mean) / std

    return normalize


def sample_uniform(count: int, *, generator: torch.Generator) -> Tensor:
    """Return (N, 9) uniform random numbers in [0, 1): a row per sample, in the order of `AugmentParams`.

    They come from a CPU generator, so they do not depend on the device of the images. One call for N samples
    returns the same numbers as several calls for parts of them.
    """
    return torch.rand(count, 9, generator=generator)


def sample_params(count: int, spec: AugmentationSpec, *, generator: torch.Generator) -> AugmentParams:
    """Sample the changes of `count` images, uniformly from the ranges of the spec, on the CPU."""
    return scale_to_params(sample_uniform(count, generator=generator), spec)


def scale_to_params(uniform: Tensor, spec: AugmentationSpec) -> AugmentParams:
    """Scale (N, 9) numbers from `sample_uniform` to the ranges of the spec, on their device."""
    flip_sample, *columns = uniform.unbind(1)
    rotation, scale, shift_x, shift_y, brightness, contrast, saturation, hue = (2 * u - 1 for u in columns)
    return AugmentParams(
        flip=flip_sample < spec.flip,
        rotation=math.radians(spec.rotation) * rotation,
        scale=1 + spec.scale * scale,
        shift_x=spec.crop * shift_x,
        shift_y=spec.crop * shift_y,
        brightness=1 + spec.brightness * brightness,
        contrast=1 + spec.contrast * contrast,
        saturation=1 + spec.saturation * saturation,
        hue=2 * math.pi * spec.hue * hue,
    )


def affine_matrices(params: AugmentParams, *, height: int, width: int) -> Tensor:
    """Return (N, 2, 3) matrices from output to input coordinates, both as (x, y) in [-1, 1].

    The forward change is: flip, rotate clockwise by `rotation`, scale by `scale`, shift right and down. The
    matrices are its inverse. Rotations hold in pixels, so for a non-square image they depend on the aspect
    ratio.
    """
    mirror = torch.where(params.flip, -1.0, 1.0)
    cos, sin = params.rotation.cos() / params.scale, params.rotation.sin() / params.scale
    xx, xy = mirror * cos, mirror * sin * (height / width)
    yx, yy = -sin * (width / height), cos
    shift_right, shift_down = 2 * params.shift_x, 2 * params.shift_y
    coefficients = torch.stack(
        (xx, xy, -(xx * shift_right + xy * shift_down), yx, yy, -(yx * shift_right + yy * shift_down)), dim=1
    )
    return coefficients.view(-1, 2, 3)


def vector_matrices(params: AugmentParams) -> Tensor:
    """Return (N, 3, 4) matrices that apply flip, rotation and scale to (u, v) and keep the third channel."""
    mirror = torch.where(params.flip, -1.0, 1.0)
    cos, sin = params.rotation.cos() * params.scale, params.rotation.sin() * params.scale
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    coefficients = (mirror * cos, -sin, zero, zero, mirror * sin, cos, zero, zero, zero, zero, one, zero)
    return torch.stack(coefficients, dim=1).view(-1, 3, 4)


def color_matrices(params: AugmentParams, *, gray_means: Tensor) -> Tensor:
    """Return (N, 3, 4) color matrices; `gray_means` (N,) holds the mean gray level of each image.

    Hue rotates about the gray axis (Rodrigues' formula) and saturation scales the distance from it.
    Brightness scales all values. Contrast scales the distance from the mean gray, which hue and saturation do
    not change.
    """
    gray = torch.full_like(params.hue, 1 / 3)
    cos, sin = (params.saturation * value for value in (params.hue.cos(), params.hue.sin()))
    diagonal = gray + cos * (1 - gray)
    cross = sin * (torch.ones_like(gray) / math.sqrt(3))
    above, below = gray - cos * gray - cross, gray - cos * gray + cross
    # The rotation is a circulant matrix, written without constants that a step would copy to the device.
    circulant = (diagonal, above, below, below, diagonal, above, above, below, diagonal)
    hue_saturation = torch.stack(circulant, dim=1).view(-1, 3, 3)
    linear = (params.contrast * params.brightness)[:, None, None] * hue_saturation
    offset = params.brightness * (1 - params.contrast) * gray_means
    return torch.cat((linear, offset[:, None, None].expand(-1, 3, 1)), dim=2)


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """Resample (N, 3, H, W) images by (N, 2, 3) coordinate maps; outside the image, pixels are mirrored."""
    height, width = images.shape[-2:]
    x = (torch.arange(width, device=images.device) * 2 + 1) / width - 1
    y = (torch.arange(height, device=images.device) * 2 + 1) / height - 1
    pixel_grid = torch.stack(torch.meshgrid(x, y, indexing="xy")).expand(len(images), -1, -1, -1)
    grid = _apply_affine(matrices, pixel_grid).movedim(1, -1)
    return grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _apply_affine(matrices: Tensor, values: Tensor) -> Tensor:
    """Apply (N, R, K+1) affine maps at every pixel of (N, K, H, W) values; return (N, R, H, W).

    The loop over channels replaces a matrix product, whose precision depends on the settings of the run: in
    TF32 or bfloat16, coordinates would be off by a fraction of a pixel.
    """
    out = matrices[:, :, -1, None, None]
    for channel in range(values.shape[1]):
        out = torch.addcmul(out, matrices[:, :, channel, None, None], values[:, channel : channel + 1])
    return out
