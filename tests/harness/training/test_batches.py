"""Tests of batches: order, sizes, random numbers, and images in host memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from datasets.augment import sample_uniform
from harness.training.batches import SplitData, iter_epoch, list_batch_sizes, prefetch_images


def make_generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def make_data(count: int) -> SplitData:
    """Return samples whose image and label are their row."""
    rows = torch.arange(count)
    images = rows.to(torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2).contiguous()
    return SplitData(images=images, labels=rows)


@pytest.mark.parametrize("samples", [1, 2, 31, 32, 33, 64, 65, 97])
def test_batches_cover_every_row_and_have_two_or_more(samples: int) -> None:
    sizes = list_batch_sizes(samples, 32)
    assert sum(sizes) == samples
    assert samples == 1 or min(sizes) > 1
    assert max(sizes) <= 33


def test_epoch_uses_random_numbers_by_batch() -> None:
    generator = make_generator()
    order = torch.randperm(37, generator=generator)
    for batch, rows in zip(
        iter_epoch(make_data(37), 8, generator=make_generator()), order.split(8), strict=True
    ):
        assert torch.equal(batch.labels, rows)
        assert torch.equal(batch.images[:, 0, 0, 0].long(), rows)
        assert torch.equal(batch.uniform, sample_uniform(len(rows), generator=generator))


def test_epochs_have_different_orders() -> None:
    generator, data = make_generator(), make_data(40)
    first, second = (
        torch.cat([batch.labels for batch in iter_epoch(data, 8, generator=generator)]) for _ in range(2)
    )
    assert not torch.equal(first, second)
    assert torch.equal(first.sort().values, second.sort().values)


def test_images_in_host_memory_arrive_in_the_same_batches() -> None:
    data, rows = make_data(11), torch.randperm(11, generator=make_generator()).split(4)
    copies = list(prefetch_images(data, rows))
    assert all(torch.equal(copy, data.images[part]) for copy, part in zip(copies, rows, strict=True))
    # Labels on another device than the images: the images are copied batch by batch.
    on_meta = replace(data, labels=data.labels.to("meta"))
    assert [batch.images.shape for batch in iter_epoch(on_meta, 4, generator=make_generator())] == [
        copy.shape for copy in copies
    ]
