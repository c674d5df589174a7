"""Batches on the device: indexed there, or copied there during the previous training step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MAX_MEMORY_FRACTION = 0.5
"""Maximum fraction of a GPU's free memory for the images of one part of a split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitData:
    """One part of a split: `images` (N, 3, H, W) uint8 and `labels` (N,) int64.

    The labels are on the device. The images are on the device if it has room for them, otherwise in host
    memory.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        """The device that batches are copied to."""
        return self.labels.device


def make_split_data(images: Tensor, labels: Tensor, *, device: torch.device) -> SplitData:
    """Move `labels` to `device`, and `images` unless they exceed `MAX_MEMORY_FRACTION` of a GPU's memory."""
    has_room = (
        device.type != "cuda" or images.nbytes <= MAX_MEMORY_FRACTION * torch.cuda.mem_get_info(device)[0]
    )
    return SplitData(images=images.to(device) if has_room else images, labels=labels.to(device))


def iter_batches(data: SplitData, batches: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the images (uint8) and labels of each batch of rows, on the device."""
    if data.images.device != data.device:
        yield from prefetch(data, batches)
        return
    for rows in batches:
        rows = rows.to(data.device)
        yield data.images[rows], data.labels[rows]


def prefetch(data: SplitData, batches: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the same as `iter_batches` for images in host memory, copied one batch ahead from pinned memory.

    The copy of a batch overlaps with the training step of the previous one.
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
