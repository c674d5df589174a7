"""One run from its spec to its result: build, train, read the test split once."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from architectures.network import build
from datasets.audit import audit, leakage
from datasets.likeness import Likeness
from datasets.pixels.cache import Pixels
from datasets.spec import Split
from datasets.splits import split
from harness.cost import count
from harness.device import environment
from harness.evaluate import predict
from harness.train import Part, best_epoch, fit
from studies.results import DataSummary, Epoch, RunResult
from studies.spec import RunSpec


def execute(
    spec: RunSpec,
    pixels: Pixels,
    *,
    device: torch.device,
    on_epoch: Callable[[Epoch], None],
    alike: Likeness | None = None,
) -> tuple[RunResult, dict[str, Tensor]]:
    """Train and test one run; returns its result and the best epoch's weights, on the CPU.

    `alike` is the data's likeness by which the split is audited for near-duplicates; None leaves them out.
    The seed fixes initialisation, split, data order, augmentation and dropout: on one CPU machine the same
    spec gives the same predictions bit for bit.

    Raises:
        harness.train.Diverged: the loss stopped being a number.
        ValueError: the data cannot be split so.
    """
    start = time.perf_counter()
    table = pixels.table
    classes = len(table.classes)
    parts = split(table, spec.protocol, seed=spec.seed, fold=spec.fold, folds=spec.folds)
    # What could fail besides training does so before it.
    cost = count(spec.architecture, classes=classes, image_size=spec.dataset.image_size)
    where = environment(device)
    torch.manual_seed(spec.seed)
    torch.backends.cudnn.allow_tf32 = False  # float32 in the run's identity means float32
    # A network that saturates fills its activations with denormals, which CPUs are many times slower on.
    torch.set_flush_denormal(True)
    network = build(spec.architecture, classes=classes)
    network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    history = []
    for epoch in fit(
        network,
        _part(pixels, parts.train, device=device),
        validation=_part(pixels, parts.validation, device=device),
        classes=classes,
        training=spec.training,
        seed=spec.seed,
    ):
        history.append(epoch)
        on_epoch(epoch)
    test = _part(pixels, parts.test, device=device)
    predictions = predict(network, test.images, samples=[table.samples[i] for i in parts.test])
    result = RunResult(
        spec=spec,
        data=summary(pixels, parts, alike=alike),
        predictions=predictions,
        history=tuple(history),
        best_epoch=best_epoch(history).number,
        cost=cost,
        environment=where,
        seconds=time.perf_counter() - start,
    )
    return result, {name: tensor.cpu() for name, tensor in network.state_dict().items()}


def _part(pixels: Pixels, rows: tuple[int, ...], *, device: torch.device) -> Part:
    labels = torch.tensor([pixels.table.samples[i].label for i in rows], dtype=torch.int64)
    images = torch.from_numpy(pixels.images[list(rows)])
    return Part(images=images.to(device), labels=labels.to(device))


def summary(pixels: Pixels, parts: Split, *, alike: Likeness | None) -> DataSummary:
    """What this split gives a run, class by class, and what leaks through it."""
    table = pixels.table

    def counts(rows: tuple[int, ...]) -> tuple[int, ...]:
        labels = [table.samples[i].label for i in rows]
        return tuple(labels.count(c) for c in range(len(table.classes)))

    return DataSummary(
        classes=table.classes,
        train=counts(parts.train),
        validation=counts(parts.validation),
        test=counts(parts.test),
        leakage=leakage(table, parts),
        warnings=parts.warnings,
        notes=table.notes,
        anomalies=table.anomalies,
        findings=audit(table, parts, digests=pixels.digests, likeness=alike),
    )
