"""The same training three times over, as endless epochs that yield their seconds, to be taken in turn.

All loops run in one process. What the command line and `harness.training.engine.settle` set there is set for
the loop over files too, save TF32: that glibc keeps freed memory makes it faster than a script of its own
would be, so that the harness beside it looks no better than it is.
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
from datasets.augment import IMAGENET_MEAN, IMAGENET_STD, normalize, to_float
from datasets.pixels.cache import ImageArray
from datasets.pixels.store import count_cores
from datasets.spec import AugmentationSpec
from harness.bench.data import temporary_cache
from harness.bench.timed import synchronize
from harness.data.reading import DataRequest, build_dataset_spec, load_images, load_table
from harness.training.engine import configure_backend, make_forward, match_memory_format, to_device_layout
from harness.training.evaluate import compute_logits
from harness.training.feed import SplitData, make_split_data
from harness.training.loss import focal_loss
from harness.training.train import fit, init_state
from studies.spec import MAX_COUNT, TrainingSpec

MAX_WORKERS = 2
"""Processes that load files, where there are as many cores."""

VALIDATION_IMAGES = 2
"""Images that an epoch is validated on: `fit` does not go without, so bare steps are followed by the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A network to be trained: how, on how many batches an epoch, of which images, where.

    `pixels` are images at the network's size, of which an epoch takes as many as it needs, over again where
    there are too few.
    """

    spec: ArchitectureSpec
    training: TrainingSpec
    pixels: ImageArray
    steps: int
    device: torch.device

    @property
    def classes(self) -> int:
        """How many classes the images have."""
        return len(self.pixels.table.classes)

    @property
    def image_size(self) -> int:
        """Side of the images in pixels."""
        return int(self.pixels.images.shape[-1])

    @property
    def images_per_epoch(self) -> int:
        """Images an epoch: whole batches."""
        return self.steps * self.training.batch_size

    def init_network(self, *, layout: torch.memory_format | None = None) -> nn.Module:
        """The network, the same at each call, on the device; in a run's layout, where none is named."""
        torch.manual_seed(0)
        network = build_network(self.spec, num_classes=self.classes)
        if layout is None:
            return to_device_layout(network, self.spec, self.device)
        return network.to(self.device, memory_format=layout)  # type: ignore[call-overload,no-any-return]

    def load_data(self, count: int) -> SplitData:
        """So many images with their labels, on the device."""
        samples = self.pixels.table.samples
        indices = torch.arange(count) % len(samples)
        labels = torch.tensor([sample.label for sample in samples])
        return make_split_data(
            torch.from_numpy(self.pixels.images[indices.numpy()]), labels[indices], device=self.device
        )


def time_harness_epochs(workload: Workload) -> Iterator[float]:
    """Epochs as a run trains them: `harness.training.train.fit`, its augmentation and its bookkeeping.

    Keeping the best weights, once an epoch at most, is not in the time.
    """
    endless_training = replace(workload.training, epochs=MAX_COUNT, patience=MAX_COUNT)
    epochs = fit(
        init_state(workload.init_network(), endless_training, seed=0),
        workload.load_data(workload.images_per_epoch),
        validation=workload.load_data(VALIDATION_IMAGES),
        num_classes=workload.classes,
        training=endless_training,
    )
    while True:
        configure_backend(workload.training)
        yield next(epochs).seconds


def time_file_epochs(workload: Workload, folder: Path) -> Iterator[float]:
    """Epochs as a plain script has them: image files, torchvision, a DataLoader, eager float32 and NCHW.

    Its workers start once, and the clock with the first batch in hand: neither is held against it, as in
    epochs of few batches both would weigh more than in real ones.
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
    # Before any network is there: memory that a process shares with its workers is copied as it is written.
    batches = iter(loader)
    network = workload.init_network(layout=torch.contiguous_format).train()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=workload.training.learning_rate)
    while True:
        configure_backend(workload.training)
        torch.backends.cudnn.allow_tf32 = True  # as torch has it, for whoever does not ask
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
    """Torchvision's nearest to `datasets.augment`, in the order that its documentation shows."""
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
    """Epochs of nothing but steps, on batches that lie ready, and `fit`'s validation.

    Engine, loss and optimizer are `fit`'s too, so that what it takes longer is its own.
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
    """The drawn faces at a size, in this process's own memory."""
    request = DataRequest(dataset="casme2", root=faces)
    spec, table = load_table(
        request, build_dataset_spec(request, protocols=("frame",), image_size=image_size)
    )
    with temporary_cache():
        pixels = load_images(spec, table)
        return replace(pixels, images=np.array(pixels.images))


def write_image_files(pixels: ImageArray, folder: Path, *, count: int) -> None:
    """`count` copies of the images' files into `folder`, as torchvision's ImageFolder reads them."""
    table = pixels.table
    for index in range(count):
        sample = table.samples[index % len(table.samples)]
        class_folder = folder / table.classes[sample.label]
        class_folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.path, class_folder / f"{index}{Path(sample.path).suffix}")
