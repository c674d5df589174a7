"""Test images made worse by degrees: what a network's accuracy is worth away from the laboratory.

In the manner of ImageNet-C (Hendrycks and Dietterich 2019, arXiv:1903.12261): each kind of change at graded
strengths, on test images alone, none of which training has seen. Rotation stands for pose, brightness and
contrast for illumination. Training's own changes (`datasets.spec.AugmentationSpec`) are far smaller than the
weakest here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from datasets.augment import as_float, coordinates, draw, move
from datasets.spec import CORRUPTIONS, STRENGTHS, AugmentationSpec

_STILL = AugmentationSpec(
    flip=0.0, rotation=0.0, scale=0.0, crop=0.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0
)


def _rotation(images: Tensor, degrees: float, *, generator: torch.Generator) -> Tensor:
    """Turned by `degrees` to one side or the other, by chance; what turns in is mirrored."""
    drawn = draw(len(images), replace(_STILL, rotation=degrees), generator=generator)
    turned = replace(drawn, rotation=math.radians(degrees) * drawn.rotation.sign())
    height, width = images.shape[-2:]
    return move(images, coordinates(turned, height=height, width=width).to(images.device))


def _blur(images: Tensor, share: float, *, generator: torch.Generator) -> Tensor:
    """By a Gaussian whose standard deviation is `share` of the side."""
    # Here and below, not at the top: it imports torch's compiler.
    from torchvision.transforms.v2.functional import gaussian_blur

    sigma = share * images.shape[-1]
    radius = min(math.ceil(3 * sigma), min(images.shape[-2:]) - 1)
    blurred: Tensor = gaussian_blur(images, kernel_size=[2 * radius + 1] * 2, sigma=[sigma, sigma])
    return blurred


def _noise(images: Tensor, deviation: float, *, generator: torch.Generator) -> Tensor:
    """Plus Gaussian noise of that standard deviation, each pixel and channel its own."""
    return images + deviation * torch.randn(images.shape, generator=generator).to(images.device)


def _brightness(images: Tensor, factor: float, *, generator: torch.Generator) -> Tensor:
    from torchvision.transforms.v2.functional import adjust_brightness

    changed: Tensor = adjust_brightness(images, factor)
    return changed


def _contrast(images: Tensor, factor: float, *, generator: torch.Generator) -> Tensor:
    from torchvision.transforms.v2.functional import adjust_contrast

    changed: Tensor = adjust_contrast(images, factor)
    return changed


def _occlusion(images: Tensor, share: float, *, generator: torch.Generator) -> Tensor:
    """A grey square whose side is `share` of the image's, somewhere in each image."""
    height, width = images.shape[-2:]
    tall, wide = round(share * height), round(share * width)
    places = torch.rand(len(images), 2, generator=generator) * torch.tensor((height - tall, width - wide))
    covered = images.clone()
    for image, (top, left) in zip(covered, places.round().int().tolist(), strict=True):
        image[:, top : top + tall, left : left + wide] = 0.5
    return covered


_CHANGES: Mapping[str, Callable[..., Tensor]] = {
    "rotation": _rotation,
    "blur": _blur,
    "noise": _noise,
    "brightness": _brightness,
    "contrast": _contrast,
    "occlusion": _occlusion,
}


def corrupt(images: Tensor, kind: str, *, strength: int, seed: int) -> Tensor:
    """`images` (N, 3, H, W), uint8 or float in [0, 1], changed; uint8 of the same shape.

    The same seed gives the same change, whatever the images' device.

    Raises:
        ValueError: no such kind or strength.
    """
    if kind not in CORRUPTIONS or strength not in STRENGTHS:
        raise ValueError(
            f"a corruption is one of {', '.join(CORRUPTIONS)} at a strength of 1 to {STRENGTHS[-1]}; got "
            f"{kind!r} at {strength}"
        )
    generator = torch.Generator().manual_seed(seed)
    size = CORRUPTIONS[kind][strength - 1]
    changed = _CHANGES[kind](as_float(images), size, generator=generator)
    return (changed.clamp(0, 1) * 255).round().to(torch.uint8)
