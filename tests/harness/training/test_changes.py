"""The kernel beside its slow twin, `datasets.augment`."""

import subprocess

import pytest
import torch

from architectures.fast import kernels
from datasets.augment import augment, normalise
from datasets.spec import AugmentationSpec
from harness.training.changes import SOURCES, changing
from studies.spec import TrainingSpec

NOTHING = AugmentationSpec(flip=0, rotation=0, scale=0, crop=0, brightness=0, contrast=0, saturation=0, hue=0)
MUCH = AugmentationSpec(
    rotation=180, scale=0.5, crop=0.4, brightness=0.5, contrast=0.9, saturation=0.9, hue=0.5
)


def changed(images, spec, *, layout, fused, seed=0):
    generator = torch.Generator().manual_seed(seed)
    training = TrainingSpec(augmentation=spec, fused=fused)
    out = changing(training, generator=generator, layout=layout)(images)
    return out, generator.get_state()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(8, 8), (9, 12), (33, 17), (1, 1), (64, 64)], ids=str)
@pytest.mark.parametrize("spec", [NOTHING, AugmentationSpec(), MUCH], ids=["nothing", "default", "much"])
def test_the_kernel_changes_every_image_as_its_slow_twin_does(spec, size, layout):
    images = torch.randint(
        0, 256, (40, 3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    slow, after = changed(images, spec, layout=layout, fused=False)
    fast, after_kernel = changed(images, spec, layout=layout, fused=True)
    assert torch.equal(after, after_kernel)
    assert fast.is_contiguous(memory_format=layout)
    assert fast.shape == slow.shape
    # A coordinate that rounding moves across a pixel's edge gives the same colour from the other side.
    torch.testing.assert_close(fast, slow, rtol=0, atol=3e-4)
    same = normalise(augment(images, spec, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(slow, same.contiguous(memory_format=layout), rtol=0, atol=0)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_kernel_gives_the_same_bits_with_any_number_of_threads(threads):
    images = torch.randint(
        0, 256, (8, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    before = torch.get_num_threads()
    one, _ = changed(images, MUCH, layout=torch.channels_last, fused=True)
    try:
        torch.set_num_threads(threads)
        assert torch.equal(changed(images, MUCH, layout=torch.channels_last, fused=True)[0], one)
    finally:
        torch.set_num_threads(before)


def test_a_batch_gathered_out_of_order_is_changed_as_it_lies():
    images = torch.arange(2 * 3 * 4 * 4, dtype=torch.uint8).view(2, 4, 4, 3).movedim(3, 1)
    assert not images.is_contiguous()
    slow, _ = changed(images, NOTHING, layout=torch.contiguous_format, fused=False)
    fast, _ = changed(images, NOTHING, layout=torch.contiguous_format, fused=True)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-5)


def test_the_kernel_compiles_without_a_warning(tmp_path):
    command = ("c++", *kernels.FLAGS, "-std=c++17", "-Wall", "-Wextra", "-Werror", *map(str, SOURCES))
    done = subprocess.run((*command, "-o", str(tmp_path / "k.so")), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
