"""Batches on the device: indexed there, or copied there during the previous training step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from datasets.augment import sample_uniform

MAX_MEMORY_FRACTION = 0.5
"""Maximum fraction of a GPU's free memory for the images of one part of a split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitData:
    """One part of a split: `images` (N, 3, H, W) and `labels` (N,) int64.

    The images are uint8, or float16 maps of a flow. The labels are on the device. The images are on the
    device if it has room for them, otherwise in host memory.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch on the device: `images` (B, 3, H, W), `labels` (B,) int64, `uniform` (B, 9) float32.

    `uniform` holds random numbers for `datasets.augment.scale_to_params`.
    """

    images: Tensor
    labels: Tensor
    uniform: Tensor


def iter_epoch(data: SplitData, batch_size: int, *, generator: torch.Generator) -> Iterator[Batch]:
    """Yield the batches of one epoch in random order.

    The order and the random numbers of the whole epoch come from `generator`, a CPU generator. They are
    copied to the device before the first batch, so no training step waits for a copy.
    """
    order = torch.randperm(len(data), generator=generator)
    uniform = sample_uniform(len(data), generator=generator).to(data.device)
    sizes = list_batch_sizes(len(data), batch_size)
    device_order = order.to(data.device)
    is_resident = data.images.device == data.device
    batches = (
        (data.images[rows] for rows in device_order.split(sizes))
        if is_resident
        else prefetch_images(data, order.split(sizes))
    )
    for images, labels, numbers in zip(
        batches, data.labels[device_order].split(sizes), uniform.split(sizes), strict=True
    ):
        yield Batch(images=images, labels=labels, uniform=numbers)


def list_batch_sizes(sample_count: int, batch_size: int) -> list[int]:
    """Return the size of each batch.

    A last batch of one row is merged into the batch before it: batch norm cannot train on a single value.
    """
    full_batches, rest = divmod(sample_count, batch_size)
    if rest == 1 and full_batches:
        return [batch_size] * (full_batches - 1) + [batch_size + 1]
    return [batch_size] * full_batches + ([rest] if rest else [])


def prefetch_images(data: SplitData, batches: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield images that are in host memory, copied one batch ahead from pinned memory.

    The copy of a batch overlaps with the training step of the previous one.
    """
    next_images = _copy_images(data, batches[0])
    for next_rows in (*batches[1:], None):
        images = next_images
        if next_rows is not None:
            next_images = _copy_images(data, next_rows)
        yield images


def _copy_images(data: SplitData, rows: Tensor) -> Tensor:
    images = data.images[rows]
    if data.device.type == "cuda":
        images = images.pin_memory()
    return images.to(data.device, non_blocking=True)
