"""Reading a trained network: logits of images, and the predictions that everything is computed from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from datasets.augment import normalise
from datasets.spec import Sample
from studies.results import Prediction

BATCH = 128


@torch.inference_mode()
def logits_of(network: nn.Module, images: Tensor) -> Tensor:
    """Logits (N, classes) float32 of images (N, 3, H, W) uint8, unaugmented, in evaluation mode."""
    network.eval()
    parts = (normalise(part.float() / 255) for part in images.split(BATCH))
    return torch.cat([network(part.contiguous(memory_format=torch.channels_last)) for part in parts])


def predict(network: nn.Module, images: Tensor, *, samples: Sequence[Sample]) -> tuple[Prediction, ...]:
    """A prediction for each of `samples`, whose pixels are `images` (N, 3, H, W) uint8, in the same order."""
    probabilities = torch.softmax(logits_of(network, images).cpu().double(), dim=1).tolist()
    return tuple(
        Prediction(
            id=sample.id,
            subject=sample.subject,
            clip=sample.clip,
            truth=sample.label,
            probabilities=tuple(row),
        )
        for sample, row in zip(samples, probabilities, strict=True)
    )
