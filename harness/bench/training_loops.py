"""Training loops of the benchmark: harness, a plain script over files, and bare steps in memory.

Each loop is an endless iterator that trains one epoch and yields its seconds, so that loops can run in turn.

All loops run in one process. The settings of the command line and of `configure_backend` therefore apply to
the plain script too, and all loops have the same precision. Because glibc keeps freed memory, the plain
script is faster than as a separate program, so the comparison does not favour harness.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

from architectures.network import build_network
from architectures.spec import ArchitectureSpec
from datasets.augment import IMAGENET_MEAN, IMAGENET_STD, make_normalize, to_float
from datasets.io.cache_files import count_cores
from datasets.preprocessing.image_array import ImageArray
from datasets.spec import AugmentationSpec
from harness.bench.data import temporary_cache
from harness.data.loading import DataRequest, build_dataset_spec, load_images, load_table
from harness.device import synchronize
from harness.training.batches import SplitData, make_split_data
from harness.training.engine import configure_backend, make_forward, match_memory_format, to_device_layout
from harness.training.evaluation import compute_logits
from harness.training.loss import focal_loss
from harness.training.train import fit, init_state
from studies.spec import MAX_COUNT, TrainingSpec

MAX_WORKERS = 2
"""Maximum number of DataLoader workers; there are never more workers than cores."""

VALIDATION_IMAGES = 2
"""Validation images per epoch. `fit` requires validation, so the loop of bare steps validates as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A network with its training settings, images, steps per epoch and device.

    `pixels` are images at the network's size. An epoch repeats them if there are too few.
    """

    spec: ArchitectureSpec
    training: TrainingSpec
    pixels: ImageArray
    steps: int
    device: torch.device

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.pixels.table.classes)

    @property
    def image_size(self) -> int:
        """Side of the images in pixels."""
        return int(self.pixels.images.shape[-1])

    @property
    def images_per_epoch(self) -> int:
        """Number of images per epoch, in full batches."""
        return self.steps * self.training.batch_size

    def init_network(self, *, layout: torch.memory_format | None = None) -> nn.Module:
        """Build the network on the device, with the same weights at each call.

        `layout` None uses the memory layout of a run.
        """
        torch.manual_seed(0)
        network = build_network(self.spec, num_classes=self.classes)
        if layout is None:
            return to_device_layout(network, self.spec, self.device)
        return network.to(self.device, memory_format=layout)  # type: ignore[call-overload,no-any-return]

    def load_data(self, count: int) -> SplitData:
        """Return `count` images with their labels, on the device."""
        samples = self.pixels.table.samples
        indices = torch.arange(count) % len(samples)
        labels = torch.tensor([sample.label for sample in samples])
        return make_split_data(
            torch.from_numpy(self.pixels.images[indices.numpy()]), labels[indices], device=self.device
        )


def time_harness_epochs(workload: Workload, *, data: SplitData | None = None) -> Iterator[float]:
    """Train epochs with `harness.training.train.fit`, as a run does, and yield their seconds.

    `data` replaces the images of `workload` if given.

    The time does not include copying the best weights, which happens at most once per epoch.
    """
    endless_training = replace(workload.training, epochs=MAX_COUNT, patience=MAX_COUNT)
    epochs = fit(
        init_state(workload.init_network(), endless_training, seed=0),
        data or workload.load_data(workload.images_per_epoch),
        validation=workload.load_data(VALIDATION_IMAGES),
        num_classes=workload.classes,
        training=endless_training,
    )
    while True:
        configure_backend(workload.training)
        yield next(epochs).seconds


def time_file_epochs(workload: Workload, folder: Path) -> Iterator[float]:
    """Train epochs as a plain script does (ImageFolder, DataLoader, eager, NCHW); yield seconds.

    The time includes neither the start of the workers, which start once, nor loading the first batch of an
    epoch: in the short epochs of a benchmark both would count more than in real ones.
    """
    image_folder = datasets.ImageFolder(
        str(folder), _build_torchvision_transform(workload.training.augmentation, workload.image_size)
    )
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        Subset(image_folder, range(workload.images_per_epoch)),
        batch_size=workload.training.batch_size,
        shuffle=True,
        num_workers=min(MAX_WORKERS, count_cores()),
        persistent_workers=True,
    )
    # Start the workers before building the network: memory shared with forked workers is copied on write.
    batches = iter(loader)
    network = workload.init_network(layout=torch.contiguous_format).train()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=workload.training.learning_rate)
    while True:
        configure_backend(workload.training)
        first_batch = next(batches)
        synchronize(workload.device)
        start = time.perf_counter()
        for images, labels in chain([first_batch], batches):
            images, labels = images.to(workload.device), labels.to(workload.device)
            optimizer.zero_grad()
            loss = criterion(network(images), labels)
            loss.backward()
            optimizer.step()
            loss.item()
        yield time.perf_counter() - start
        batches = iter(loader)


def _build_torchvision_transform(spec: AugmentationSpec, image_size: int) -> transforms.Compose:
    """Return torchvision's closest equivalent of `datasets.augment`, in the order of its documentation."""
    return transforms.Compose(
        [
            transforms.Resize((image_size, image_size)),
            transforms.RandomHorizontalFlip(spec.flip),
            transforms.RandomAffine(
                spec.rotation, translate=(spec.crop, spec.crop), scale=(1 - spec.scale, 1 + spec.scale)
            ),
            transforms.ColorJitter(spec.brightness, spec.contrast, spec.saturation, spec.hue),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )


def time_memory_epochs(workload: Workload, *, layout: torch.memory_format | None = None) -> Iterator[float]:
    """Train epochs of bare steps on prepared batches in memory, with validation, and yield their seconds.

    Engine, loss and optimizer are the same as in `fit`, so the difference in time is the overhead of `fit`.
    """
    network = workload.init_network(layout=layout)
    step = make_forward(network, workload.training)
    alpha = torch.ones(workload.classes, device=workload.device)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=workload.training.learning_rate, fused=workload.device.type != "mps"
    )
    data, validation = (
        workload.load_data(workload.images_per_epoch),
        workload.load_data(VALIDATION_IMAGES).images,
    )
    normalize = make_normalize(workload.device)
    batches = [
        (match_memory_format(normalize(to_float(images.to(workload.device))), network), labels)
        for images, labels in zip(
            data.images.split(workload.training.batch_size),
            data.labels.split(workload.training.batch_size),
            strict=True,
        )
    ]
    while True:
        configure_backend(workload.training)
        network.train()
        synchronize(workload.device)
        start = time.perf_counter()
        for images, labels in batches:
            optimizer.zero_grad(set_to_none=True)
            focal_loss(step(images), labels, alpha=alpha, gamma=workload.training.gamma).mean().backward()
            optimizer.step()
        compute_logits(network, validation, forward=step)
        synchronize(workload.device)
        yield time.perf_counter() - start


def load_faces(faces: Path, image_size: int) -> ImageArray:
    """Load synthetic faces at `image_size` pixels into memory."""
    request = DataRequest(dataset="casme2", root=faces)
    spec, table = load_table(
        request, build_dataset_spec(request, protocols=("frame",), image_size=image_size)
    )
    with temporary_cache():
        pixels = load_images(spec, table)
        return replace(pixels, images=np.array(pixels.images))


def write_image_files(pixels: ImageArray, folder: Path, *, count: int) -> None:
    """Copy `count` image files to `folder` in ImageFolder's layout, repeating them if there are too few."""
    table = pixels.table
    for index in range(count):
        sample = table.samples[index % len(table.samples)]
        class_folder = folder / table.classes[sample.label]
        class_folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.path, class_folder / f"{index}{Path(sample.path).suffix}")
