"""Reading a trained network: logits of images, and the predictions that everything is computed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from datasets.augment import as_float, normalise
from datasets.spec import Sample
from harness.training.engine import laid_out
from studies.results import Prediction

BATCH = 128


@torch.inference_mode()
def logits_of(
    network: nn.Module, images: Tensor, *, step: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """Logits (N, classes) float32 of images (N, 3, H, W) uint8, unaugmented, in evaluation mode.

    `step` computes them where it is not the network itself: see `harness.training.engine.stepping`.
    """
    network.eval()
    step = step or network
    device = next((parameter.device for parameter in network.parameters()), images.device)
    parts = (normalise(as_float(part.to(device, non_blocking=True))) for part in images.split(BATCH))
    return torch.cat([step(laid_out(part, network)) for part in parts])


def predict(
    network: nn.Module,
    images: Tensor,
    *,
    samples: Sequence[Sample],
    step: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Prediction, ...]:
    """A prediction for each of `samples`, whose pixels are `images` (N, 3, H, W) uint8, in the same order."""
    probabilities = torch.softmax(logits_of(network, images, step=step).cpu().double(), dim=1).tolist()
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
