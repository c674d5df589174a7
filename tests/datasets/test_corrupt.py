"""Tests of the corruptions: their effect grows with strength and is the same for the same seed."""

from typing import Any

import pytest
import torch

from datasets.corrupt import corrupt
from datasets.corruptions import CORRUPTIONS, STRENGTHS
from tests.error_codes import raises_code


@pytest.fixture
def images() -> torch.Tensor:
    """Return smooth grey waves, on which every corruption has a gradual effect."""
    ramp = torch.linspace(0, 12, 32)
    waves = 127 + 100 * torch.sin(ramp[:, None] + 0.5 * ramp[None, :])
    return waves.to(torch.uint8).expand(6, 3, 32, 32).clone()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_stronger_corruption_has_a_larger_effect(images: Any, kind: str) -> None:
    changed = [corrupt(images, kind, strength=strength, seed=0) for strength in STRENGTHS]
    distances = [(variant.float() - images.float()).pow(2).mean().item() for variant in changed]
    assert 0 < distances[0] < distances[1] < distances[2]
    assert all(variant.dtype == torch.uint8 and variant.shape == images.shape for variant in changed)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_corruption_depends_only_on_the_seed(images: Any, kind: str) -> None:
    before = images.clone()
    first, again = (corrupt(images, kind, strength=2, seed=3) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(images, before)
    # Random corruptions differ between images; the others are the same for all images.
    is_random = kind in ("rotation", "noise", "occlusion")
    assert (len({tuple(image.flatten().tolist()) for image in first}) > 1) == is_random


def test_light_and_contrast_by_hand() -> None:
    image = torch.tensor([40, 200], dtype=torch.uint8).repeat(8, 4).expand(1, 3, 8, 8)
    assert corrupt(image, "brightness", strength=2, seed=0).unique().tolist() == [20, 100]
    assert corrupt(image, "contrast", strength=2, seed=0).unique().tolist() == [88, 152]


def test_square_covers_its_share_and_nothing_else() -> None:
    image = torch.zeros(4, 3, 40, 40, dtype=torch.uint8)
    covered = corrupt(image, "occlusion", strength=3, seed=0)
    assert covered.unique().tolist() == [0, 128]
    assert (covered == 128).float().mean((1, 2, 3)).tolist() == [0.25] * 4


def test_rotation_preserves_the_centre_and_has_both_signs() -> None:
    image = torch.zeros(12, 3, 33, 33, dtype=torch.uint8)
    image[:, :, 16, :] = 255
    turned = corrupt(image, "rotation", strength=3, seed=0)
    assert (turned[:, 0, 16, 16] > 200).all()
    # A horizontal line turned by 30 degrees passes 12 right of the middle about 7 above or below.
    heights = {int(variant[0, :, 28].argmax()) - 16 for variant in turned}
    assert heights == {-7, 7}


@pytest.mark.parametrize(("kind", "strength"), [("fog", 1), ("noise", 0), ("noise", 4)])
def test_unknown_corruption_is_an_error(kind: str, strength: int) -> None:
    with raises_code("corruption.unknown", "rotation, blur", f"{kind!r} at {strength}"):
        corrupt(torch.zeros(1, 3, 8, 8), kind, strength=strength, seed=0)
