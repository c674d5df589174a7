"""Logits and predictions of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from datasets.augment import make_normalize, to_float
from datasets.spec import Sample
from harness.training.engine import match_memory_format
from studies.results import Prediction

BATCH_SIZE = 128


@torch.inference_mode()
def compute_logits(
    network: nn.Module, images: Tensor, *, forward: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """Return the logits (N, classes) float32 of images (N, 3, H, W), without augmentation.

    The images are uint8, or float maps of a flow. The network is set to evaluation mode. `forward` replaces
    the call of `network` if given: see `harness.training.engine.make_forward`.
    """
    network.eval()
    forward = forward or network
    device = next((parameter.device for parameter in network.parameters()), images.device)
    normalize = make_normalize(device, dtype=images.dtype)
    batches = (normalize(to_float(batch.to(device, non_blocking=True))) for batch in images.split(BATCH_SIZE))
    return torch.cat([forward(match_memory_format(batch, network)) for batch in batches])


def predict(
    network: nn.Module,
    images: Tensor,
    *,
    samples: Sequence[Sample],
    forward: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Prediction, ...]:
    """Return a prediction for each of `samples`, whose `images` (N, 3, H, W) are in the same order."""
    probabilities = torch.softmax(
        compute_logits(network, images, forward=forward).cpu().double(), dim=1
    ).tolist()
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
