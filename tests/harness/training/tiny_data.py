"""Tiny images of two and of three classes, and a short training on them."""

import torch

from harness.training.batches import SplitData
from studies.spec import TrainingSpec

CUDA = torch.device("cuda")
# Adam's first steps are as large for rounding errors as for true gradients; the low rate keeps them small.
SHORT = TrainingSpec(epochs=2, batch_size=8, learning_rate=1e-5)


def make_three_class_data(samples: int) -> SplitData:
    """Return images of 32 x 32 px of three classes, from dark to bright."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(samples) % 3
    images = torch.randint(0, 120, (samples, 3, 32, 32), generator=generator)
    return SplitData(images=(images + 60 * labels[:, None, None, None]).to(torch.uint8), labels=labels)


def make_two_class_data(samples: int, *, seed: int = 0) -> SplitData:
    """Return images of 8 x 8 px of two classes, dark and bright."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(samples) % 2
    images = (
        torch.randint(0, 100, (samples, 3, 8, 8), generator=generator) + 150 * labels[:, None, None, None]
    )
    return SplitData(images=images.to(torch.uint8), labels=labels)
