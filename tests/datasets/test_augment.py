import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from datasets.augment import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    augment,
    augment_flow,
    color_matrices,
    make_normalize,
    sample_params,
    to_float,
)
from datasets.spec import AugmentationSpec

NOTHING = AugmentationSpec(flip=0, rotation=0, scale=0, crop=0, brightness=0, contrast=0, saturation=0, hue=0)


def make_spec(**change: float) -> AugmentationSpec:
    return AugmentationSpec(**{name: change.get(name, 0.0) for name in AugmentationSpec.__dataclass_fields__})


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def apply(images: torch.Tensor, spec: AugmentationSpec, generator: torch.Generator) -> torch.Tensor:
    return augment(images, sample_params(len(images), spec, generator=generator))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (6, 3, 9, 12), dtype=torch.uint8, generator=generator(1))


def mirror(coordinate: float, side: int) -> float:
    """Reflect a pixel coordinate at the image's edges, -0.5 and side - 0.5."""
    coordinate = (coordinate + 0.5) % (2 * side)
    return min(coordinate, 2 * side - coordinate) - 0.5


def interpolate(channel: NDArray[np.float64], x: float, y: float) -> float:
    height, width = channel.shape
    x, y = np.clip(mirror(x, width), 0, width - 1), np.clip(mirror(y, height), 0, height - 1)
    left, top = math.floor(x), math.floor(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    upper = channel[top, left] * (left + 1 - x) + channel[top, right] * (x - left)
    lower = channel[bottom, left] * (left + 1 - x) + channel[bottom, right] * (x - left)
    return float(upper * (top + 1 - y) + lower * (y - top))


def augment_slowly(image: NDArray[np.float64], change: dict[str, float]) -> NDArray[np.float64]:
    """Augment one sample step by step: invert shift, scale, rotation and flip, then change the colours."""
    _, height, width = image.shape
    moved = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            x, y = column + 0.5 - width / 2, row + 0.5 - height / 2
            x, y = x - change["shift_x"] * width, y - change["shift_y"] * height
            x, y = x / change["scale"], y / change["scale"]
            cos, sin = math.cos(change["rotation"]), math.sin(change["rotation"])
            x, y = cos * x + sin * y, -sin * x + cos * y
            x = -x if change["flip"] else x
            for channel in range(3):
                moved[channel, row, column] = interpolate(
                    image[channel], x + width / 2 - 0.5, y + height / 2 - 0.5
                )
    colours = moved.reshape(3, -1).T * change["brightness"]
    grey = colours.mean(axis=1, keepdims=True)
    colours = grey + change["saturation"] * (colours - grey)
    axis, angle = np.ones(3) / math.sqrt(3), change["hue"]
    colours = (
        colours * math.cos(angle)
        + np.cross(axis, colours) * math.sin(angle)
        + np.outer(colours @ axis, axis) * (1 - math.cos(angle))
    )
    colours = colours.mean() + change["contrast"] * (colours - colours.mean())
    augmented: NDArray[np.float64] = np.clip(colours.T.reshape(image.shape), 0, 1)
    return augmented


@pytest.mark.parametrize(
    "spec",
    [
        AugmentationSpec(),
        AugmentationSpec(
            rotation=180, scale=0.5, crop=0.4, brightness=0.5, contrast=0.9, saturation=0.9, hue=0.5
        ),
        make_spec(rotation=30),
        make_spec(crop=0.3),
        make_spec(hue=0.1),
        make_spec(contrast=0.8),
    ],
)
def test_composed_maps_equal_a_stepwise_version(images: torch.Tensor, spec: AugmentationSpec) -> None:
    out = apply(images, spec, generator())
    draws = sample_params(len(images), spec, generator=generator())
    for row, image in enumerate(images):
        change = {name: getattr(draws, name)[row].item() for name in draws.__dataclass_fields__}
        expected = augment_slowly(image.numpy().astype(np.float64) / 255, change)
        np.testing.assert_allclose(out[row].numpy(), expected, atol=2e-5)


def test_empty_augmentation_changes_nothing(images: torch.Tensor) -> None:
    out = apply(images, NOTHING, generator())
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, images / 255, rtol=0, atol=2e-6)


def test_flip_1_mirrors_and_flip_0_does_not(images: torch.Tensor) -> None:
    out = apply(images, make_spec(flip=1), generator())
    torch.testing.assert_close(out, images.flip(-1) / 255, rtol=0, atol=2e-6)


def test_flip_one_half_mirrors_some(images: torch.Tensor) -> None:
    many = images[:1].expand(200, -1, -1, -1)
    same = (apply(many, make_spec(flip=0.5), generator()) - many / 255).abs().amax(dim=(1, 2, 3)) < 1e-3
    assert 70 < int(same.sum()) < 130


def test_augmentation_depends_on_generator_and_sample(images: torch.Tensor) -> None:
    same = images[:1].expand(4, -1, -1, -1)
    first, again = (apply(same, AugmentationSpec(), generator(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, apply(same, AugmentationSpec(), generator(4)))
    for row in range(3):
        assert (first[row] - first[row + 1]).abs().max() > 1e-3


def test_one_generator_gives_new_parameters_per_call(images: torch.Tensor) -> None:
    source = generator()
    first, second = (apply(images, AugmentationSpec(), source) for _ in range(2))
    assert not torch.equal(first, second)


def test_parameters_stay_in_the_specs_ranges() -> None:
    spec = AugmentationSpec(
        rotation=20, scale=0.3, crop=0.1, brightness=0.4, contrast=0.2, saturation=0.2, hue=0.25
    )
    draws = sample_params(4000, spec, generator=generator())
    for largest, middle, reach in (
        (draws.rotation, 0, math.radians(20)),
        (draws.scale, 1, 0.3),
        (draws.shift_x, 0, 0.1),
        (draws.shift_y, 0, 0.1),
        (draws.brightness, 1, 0.4),
        (draws.contrast, 1, 0.2),
        (draws.saturation, 1, 0.2),
        (draws.hue, 0, math.pi / 2),
    ):
        assert middle - reach <= largest.min() < middle - 0.95 * reach
        assert middle + 0.95 * reach < largest.max() <= middle + reach
    assert 0.45 < draws.flip.float().mean() < 0.55


def test_floats_are_accepted_and_values_stay_in_range(images: torch.Tensor) -> None:
    spec = AugmentationSpec(brightness=0.9, contrast=0.9)
    out = apply(images / 255, spec, generator())
    assert torch.equal(out, apply(images, spec, generator()))
    assert out.min() >= 0
    assert out.max() <= 1
    assert to_float(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [0.0, 1.0]


def test_input_images_are_not_changed(images: torch.Tensor) -> None:
    pixels = images / 255
    copy = pixels.clone()
    apply(pixels, AugmentationSpec(), generator())
    assert torch.equal(pixels, copy)


def test_grey_image_keeps_its_grey_under_hue_and_saturation() -> None:
    grey = torch.full((3, 3, 4, 4), 0.4)
    out = apply(grey, make_spec(hue=0.5, saturation=0.9), generator())
    torch.testing.assert_close(out, grey)


def test_hue_rotation_by_a_third_maps_red_to_green() -> None:
    turned = replace(sample_params(1, NOTHING, generator=generator()), hue=torch.tensor([2 * math.pi / 3]))
    red, green = torch.tensor([0.9, 0.0, 0.0]), torch.tensor([0.0, 0.9, 0.0])
    linear = color_matrices(turned, gray_means=torch.tensor([0.3]))[0, :, :3]
    torch.testing.assert_close(linear @ red, green)


def test_normalization_maps_imagenet_mean_to_0_and_deviation_to_1() -> None:
    mean, deviation = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    pixels = torch.stack((mean, mean + deviation)).view(2, 3, 1, 1)
    torch.testing.assert_close(
        make_normalize(pixels.device)(pixels).view(2, 3), torch.tensor([[0.0] * 3, [1.0] * 3])
    )


def test_matmul_precision_does_not_change_pixels(images: torch.Tensor) -> None:
    exact = apply(images, AugmentationSpec(), generator())
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        coarse = apply(images, AugmentationSpec(), generator())
    finally:
        torch.set_float32_matmul_precision(before)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        automatic = apply(images, AugmentationSpec(), generator())
    assert torch.equal(exact, coarse)
    assert torch.equal(exact, automatic)


def test_flip_of_a_flow_mirrors_the_maps_and_negates_u() -> None:
    maps = torch.randn(2, 3, 5, 5, generator=generator()).half()
    params = replace(sample_params(2, NOTHING, generator=generator()), flip=torch.tensor([True, False]))
    flipped = augment_flow(maps, params)
    expected = maps.float().flip(3) * torch.tensor([-1.0, 1, 1])[:, None, None]
    torch.testing.assert_close(flipped[0], expected[0])
    torch.testing.assert_close(flipped[1], maps[1].float())
    assert flipped.dtype == torch.float32


def test_vectors_of_a_flow_turn_and_stretch_with_the_image() -> None:
    maps = torch.zeros(1, 3, 4, 4)
    maps[:, 0], maps[:, 2] = 2.0, 0.7
    params = replace(
        sample_params(1, NOTHING, generator=generator()),
        rotation=torch.tensor([math.pi / 2]),
        scale=torch.tensor([1.1]),
    )
    u, v, strain = augment_flow(maps, params)[0]
    torch.testing.assert_close(u, torch.zeros(4, 4), atol=1e-6, rtol=0)
    # A clockwise quarter turn: motion to the right becomes motion downwards.
    torch.testing.assert_close(v, torch.full((4, 4), 2.2))
    torch.testing.assert_close(strain, torch.full((4, 4), 0.7))


def test_float_maps_are_not_normalized() -> None:
    maps = torch.tensor([[[[-1.5]], [[0.0]], [[3.0]]]])
    assert make_normalize(maps.device, dtype=torch.float16)(maps) is maps
