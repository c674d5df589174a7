"""Corrupt test images at graded strengths, to measure accuracy outside laboratory conditions.

The corruptions follow ImageNet-C (Hendrycks and Dietterich 2019, arXiv:1903.12261): several kinds at graded
strengths, applied only to test images and not used in training. Rotation stands for pose, brightness and
contrast for illumination. The changes of training (`datasets.spec.AugmentationSpec`) are far smaller than the
weakest corruption.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from datasets.augment import affine_matrices, sample_params, to_float, warp
from datasets.corruptions import CORRUPTIONS, STRENGTHS
from datasets.errors import DatasetError
from datasets.spec import AugmentationSpec

_IDENTITY = AugmentationSpec(
    flip=0.0, rotation=0.0, scale=0.0, crop=0.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0
)


def _rotate(images: Tensor, degrees: float, *, generator: torch.Generator) -> Tensor:
    """Rotate each image by `degrees` in a random direction; pixels outside the image are mirrored."""
    params = sample_params(len(images), replace(_IDENTITY, rotation=degrees), generator=generator)
    max_params = replace(params, rotation=math.radians(degrees) * params.rotation.sign())
    height, width = images.shape[-2:]
    return warp(images, affine_matrices(max_params, height=height, width=width).to(images.device))


def _blur(images: Tensor, relative_sigma: float, *, generator: torch.Generator) -> Tensor:
    """Blur by a Gaussian whose standard deviation is `relative_sigma` times the image side."""
    # Imported in the functions because torchvision's transforms load torch's compiler.
    from torchvision.transforms.v2.functional import gaussian_blur

    sigma = relative_sigma * images.shape[-1]
    radius = min(math.ceil(3 * sigma), min(images.shape[-2:]) - 1)
    output: Tensor = gaussian_blur(images, kernel_size=[2 * radius + 1] * 2, sigma=[sigma, sigma])
    return output


def _add_noise(images: Tensor, std: float, *, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise of standard deviation `std`, independently per pixel and channel."""
    return images + std * torch.randn(images.shape, generator=generator).to(images.device)


def _adjust_brightness(images: Tensor, factor: float, *, generator: torch.Generator) -> Tensor:
    from torchvision.transforms.v2.functional import adjust_brightness

    output: Tensor = adjust_brightness(images, factor)
    return output


def _adjust_contrast(images: Tensor, factor: float, *, generator: torch.Generator) -> Tensor:
    from torchvision.transforms.v2.functional import adjust_contrast

    output: Tensor = adjust_contrast(images, factor)
    return output


def _occlude(images: Tensor, relative_size: float, *, generator: torch.Generator) -> Tensor:
    """Cover a random position of each image by a gray box whose sides are `relative_size` of the image's."""
    height, width = images.shape[-2:]
    box_height, box_width = round(relative_size * height), round(relative_size * width)
    corners = torch.rand(len(images), 2, generator=generator) * torch.tensor(
        (height - box_height, width - box_width)
    )
    output = images.clone()
    for image, (top, left) in zip(output, corners.round().int().tolist(), strict=True):
        image[:, top : top + box_height, left : left + box_width] = 0.5
    return output


_CORRUPTION_FUNCTIONS: Mapping[str, Callable[..., Tensor]] = {
    "rotation": _rotate,
    "blur": _blur,
    "noise": _add_noise,
    "brightness": _adjust_brightness,
    "contrast": _adjust_contrast,
    "occlusion": _occlude,
}


def corrupt(images: Tensor, kind: str, *, strength: int, seed: int) -> Tensor:
    """Apply one kind of corruption to images (N, 3, H, W), uint8 or float in [0, 1]; return uint8 images.

    Equal seeds give equal changes, whatever the device of the images.

    Raises:
        DatasetError: The kind or strength is unknown.
    """
    if kind not in CORRUPTIONS or strength not in STRENGTHS:
        raise DatasetError(
            "corruption.unknown",
            f"a corruption is one of {', '.join(CORRUPTIONS)} at a strength of 1 to {STRENGTHS[-1]}; got "
            f"{kind!r} at {strength}",
        )
    generator = torch.Generator().manual_seed(seed)
    size = CORRUPTIONS[kind][strength - 1]
    output = _CORRUPTION_FUNCTIONS[kind](to_float(images), size, generator=generator)
    return (output.clamp(0, 1) * 255).round().to(torch.uint8)
