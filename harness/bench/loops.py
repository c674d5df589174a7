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

from architectures.network import build
from architectures.spec import ArchitectureSpec
from datasets.augment import IMAGENET_MEAN, IMAGENET_STD, as_float, normalise
from datasets.pixels.cache import Pixels
from datasets.pixels.store import cores
from datasets.spec import AugmentationSpec
from harness.bench.data import own_cache
from harness.bench.timed import wait
from harness.data.reading import DataRequest, asked, decoded, read
from harness.training.engine import arranged, laid_out, settle, stepping
from harness.training.evaluate import logits_of
from harness.training.feed import Part, placed
from harness.training.loss import focal_loss
from harness.training.train import begun, fit
from studies.spec import MOST, TrainingSpec

WORKERS = 2
"""Processes that load files, where there are as many cores."""

VALIDATION = 2
"""Images that an epoch is validated on: `fit` does not go without, so bare steps are followed by the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A network to be trained: how, on how many batches an epoch, of which images, where.

    `pixels` are images at the network's size, of which an epoch takes as many as it needs, over again where
    there are too few.
    """

    spec: ArchitectureSpec
    training: TrainingSpec
    pixels: Pixels
    steps: int
    device: torch.device

    @property
    def classes(self) -> int:
        """How many classes the images have."""
        return len(self.pixels.table.classes)

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        return int(self.pixels.images.shape[-1])

    @property
    def images(self) -> int:
        """Images an epoch: whole batches."""
        return self.steps * self.training.batch

    def network(self, *, layout: torch.memory_format | None = None) -> nn.Module:
        """The network, the same at each call, on the device; in a run's layout, where none is named."""
        torch.manual_seed(0)
        network = build(self.spec, classes=self.classes)
        if layout is None:
            return arranged(network, self.spec, self.device)
        return network.to(self.device, memory_format=layout)  # type: ignore[call-overload,no-any-return]

    def part(self, images: int) -> Part:
        """So many images with their labels, on the device."""
        samples = self.pixels.table.samples
        rows = torch.arange(images) % len(samples)
        labels = torch.tensor([sample.label for sample in samples])
        return placed(torch.from_numpy(self.pixels.images[rows.numpy()]), labels[rows], device=self.device)


def harness_epochs(job: Job) -> Iterator[float]:
    """Epochs as a run trains them: `harness.training.train.fit`, its augmentation and its bookkeeping.

    Keeping the best weights, once an epoch at most, is not in the time.
    """
    endless = replace(job.training, epochs=MOST, patience=MOST)
    epochs = fit(
        begun(job.network(), endless, seed=0),
        job.part(job.images),
        validation=job.part(VALIDATION),
        classes=job.classes,
        training=endless,
    )
    while True:
        settle(job.training)
        yield next(epochs).seconds


def files_epochs(job: Job, folder: Path) -> Iterator[float]:
    """Epochs as a plain script has them: image files, torchvision, a DataLoader, eager float32 and NCHW.

    Its workers start once, and the clock with the first batch in hand: neither is held against it, as in
    epochs of few batches both would weigh more than in real ones.
    """
    faces = datasets.ImageFolder(str(folder), _plain_transform(job.training.augmentation, job.size))
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
        Subset(faces, range(job.images)),
        batch_size=job.training.batch,
        shuffle=True,
        num_workers=min(WORKERS, cores()),
        persistent_workers=True,
    )
    # Before any network is there: memory that a process shares with its workers is copied as it is written.
    batches = iter(loader)
    network = job.network(layout=torch.contiguous_format).train()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=job.training.learning_rate)
    while True:
        settle(job.training)
        torch.backends.cudnn.allow_tf32 = True  # as torch has it, for whoever does not ask
        first = next(batches)
        wait(job.device)
        start = time.perf_counter()
        for images, labels in chain([first], batches):
            images, labels = images.to(job.device), labels.to(job.device)
            optimizer.zero_grad()
            loss = criterion(network(images), labels)
            loss.backward()
            optimizer.step()
            loss.item()
        yield time.perf_counter() - start
        batches = iter(loader)


def _plain_transform(spec: AugmentationSpec, size: int) -> transforms.Compose:
    """Torchvision's nearest to `datasets.augment`, in the order that its documentation shows."""
    return transforms.Compose(
        [
            transforms.Resize((size, size)),
            transforms.RandomHorizontalFlip(spec.flip),
            transforms.RandomAffine(
                spec.rotation, translate=(spec.crop, spec.crop), scale=(1 - spec.scale, 1 + spec.scale)
            ),
            transforms.ColorJitter(spec.brightness, spec.contrast, spec.saturation, spec.hue),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )


def memory_epochs(job: Job, *, layout: torch.memory_format | None = None) -> Iterator[float]:
    """Epochs of nothing but steps, on batches that lie ready, and `fit`'s validation.

    Engine, loss and optimizer are `fit`'s too, so that what it takes longer is its own.
    """
    network = job.network(layout=layout)
    step = stepping(network, job.training)
    alpha = torch.ones(job.classes, device=job.device)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=job.training.learning_rate, fused=job.device.type != "mps"
    )
    part, validation = job.part(job.images), job.part(VALIDATION).images
    ready = [
        (laid_out(normalise(as_float(images.to(job.device))), network), labels)
        for images, labels in zip(
            part.images.split(job.training.batch), part.labels.split(job.training.batch), strict=True
        )
    ]
    while True:
        settle(job.training)
        network.train()
        wait(job.device)
        start = time.perf_counter()
        for images, labels in ready:
            optimizer.zero_grad(set_to_none=True)
            focal_loss(step(images), labels, alpha=alpha, gamma=job.training.gamma).mean().backward()
            optimizer.step()
        logits_of(network, validation, step=step)
        wait(job.device)
        yield time.perf_counter() - start


def pixels_of(faces: Path, size: int) -> Pixels:
    """The drawn faces at a size, in this process's own memory."""
    request = DataRequest(dataset="casme2", root=faces)
    spec, table = read(request, asked(request, protocols=("frame",), image_size=size))
    with own_cache():
        found = decoded(spec, table)
        return replace(found, images=np.array(found.images))


def write_files(pixels: Pixels, folder: Path, *, count: int) -> None:
    """`count` copies of the images' files into `folder`, as torchvision's ImageFolder reads them."""
    table = pixels.table
    for number in range(count):
        sample = table.samples[number % len(table.samples)]
        place = folder / table.classes[sample.label]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.path, place / f"{number}{Path(sample.path).suffix}")
