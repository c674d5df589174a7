"""Batches on the device: indexed there, or copied in while the one before is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MAX_MEMORY_FRACTION = 0.5
"""Of a GPU's free memory, what one part of a split may take as bytes; the rest is the network's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitData:
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


def make_split_data(images: Tensor, labels: Tensor, *, device: torch.device) -> SplitData:
    """The part of these images and labels, on the device as far as there is room."""
    has_room = (
        device.type != "cuda" or images.nbytes <= MAX_MEMORY_FRACTION * torch.cuda.mem_get_info(device)[0]
    )
    return SplitData(images=images.to(device) if has_room else images, labels=labels.to(device))


def iter_batches(data: SplitData, batches: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """For each batch of rows its images (uint8) and labels, on the device."""
    if data.images.device != data.device:
        yield from prefetch(data, batches)
        return
    for rows in batches:
        rows = rows.to(data.device)
        yield data.images[rows], data.labels[rows]


def prefetch(data: SplitData, batches: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """The same for images that lie elsewhere: gathered a batch ahead and sent from pinned memory.

    The copy so runs beside the step.
    """
    next_images = _copy_batch(data, batches[0])
    for rows, next_rows in zip(batches, (*batches[1:], None), strict=True):
        images = next_images
        if next_rows is not None:
            next_images = _copy_batch(data, next_rows)
        yield images, data.labels[rows.to(data.device)]


def _copy_batch(data: SplitData, rows: Tensor) -> Tensor:
    images = data.images[rows]
    if data.device.type == "cuda":
        images = images.pin_memory()
    return images.to(data.device, non_blocking=True)
