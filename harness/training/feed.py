"""Batches on the device: indexed there, or copied in while the one before is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

SHARE = 0.5
"""Of a GPU's free memory, what one part of a split may take as bytes; the rest is the network's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a split: `images` (N, 3, H, W) uint8, `labels` (N,) int64 on the device.

    The images lie on the device too, or in the machine's memory where the device has no room for them.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        """Where batches of it go."""
        return self.labels.device


def placed(images: Tensor, labels: Tensor, *, device: torch.device) -> Part:
    """The part of these images and labels, on the device as far as there is room."""
    roomy = device.type != "cuda" or images.nbytes <= SHARE * torch.cuda.mem_get_info(device)[0]
    return Part(images=images.to(device) if roomy else images, labels=labels.to(device))


def fed(part: Part, batches: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """For each batch of rows its images (uint8) and labels, on the device."""
    if part.images.device != part.device:
        yield from sent_ahead(part, batches)
        return
    for rows in batches:
        rows = rows.to(part.device)
        yield part.images[rows], part.labels[rows]


def sent_ahead(part: Part, batches: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """The same for images that lie elsewhere: gathered a batch ahead and sent from pinned memory.

    The copy so runs beside the step.
    """
    sent = _sent(part, batches[0])
    for rows, following in zip(batches, (*batches[1:], None), strict=True):
        images = sent
        if following is not None:
            sent = _sent(part, following)
        yield images, part.labels[rows.to(part.device)]


def _sent(part: Part, rows: Tensor) -> Tensor:
    gathered = part.images[rows]
    if part.device.type == "cuda":
        gathered = gathered.pin_memory()
    return gathered.to(part.device, non_blocking=True)
