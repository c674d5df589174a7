"""Tests that prefetched batches equal those indexed on the device."""

from __future__ import annotations

import torch

from harness.training.batches import iter_batches, make_split_data, prefetch


def test_what_is_sent_ahead_is_what_lies_on_the_device() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (11, 3, 4, 4), dtype=torch.uint8, generator=generator)
    part = make_split_data(images, torch.arange(11), device=torch.device("cpu"))
    batches = list(torch.randperm(11, generator=generator).split(4))
    one, other = list(iter_batches(part, batches)), list(prefetch(part, batches))
    assert [len(labels) for _, labels in one] == [4, 4, 3]
    for (pixels, labels), (same, too), rows in zip(one, other, batches, strict=True):
        assert torch.equal(pixels, images[rows])
        assert torch.equal(labels, rows)
        assert torch.equal(pixels, same)
        assert torch.equal(labels, too)
