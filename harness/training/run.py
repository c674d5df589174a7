"""One run from its spec to its result: build, train, read the test split once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from architectures.network import build
from architectures.spec import USER, ArchitectureSpec
from datasets.audit import audit, leakage
from datasets.likeness import Likeness
from datasets.pixels.cache import Pixels
from datasets.spec import Leakage, SampleTable, Split
from datasets.splits import split
from harness.cost import count
from harness.device import environment
from harness.errors import is_out_of_memory
from harness.training.checkpoint import Checkpoint
from harness.training.checks import corrupted, latency
from harness.training.controls import probe_identity, shuffled
from harness.training.engine import arranged, keep_compiled, settle, stepping
from harness.training.evaluate import predict
from harness.training.feed import Part, placed
from harness.training.train import Diverged, Standing, begun, best_epoch, fit, forget
from studies.cost import Cost
from studies.results import DataSummary, Epoch, Prediction, RunResult
from studies.spec import TRAINING_VERSION, RunSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a run is made from: its images, and what other runs or the whole study have found out.

    `alike` is the data's likeness by which the split is audited for near-duplicates; None leaves them out.
    `weights` are those of the trained network that a run which trains nothing reads; None for all others.
    `costs` holds what is known of the networks' costs; the others are counted.
    `latest` is the split that `divided` made last.
    """

    pixels: Pixels
    device: torch.device
    alike: Likeness | None = None
    weights: Mapping[str, Tensor] | None = None
    costs: Mapping[ArchitectureSpec, Cost] = field(default_factory=dict)
    latest: dict[object, tuple[Split, DataSummary]] = field(default_factory=dict, repr=False, compare=False)

    def divided(self, spec: RunSpec) -> tuple[Split, DataSummary]:
        """The run's split and what it gives; made and audited once for runs that follow each other on it.

        Raises:
            ValueError: the data cannot be split so.
        """
        place = (spec.protocol, spec.split_seed, spec.fold, spec.folds)
        if place not in self.latest:
            parts = split(
                self.pixels.table, spec.protocol, seed=spec.split_seed, fold=spec.fold, folds=spec.folds
            )
            self.latest.clear()
            self.latest[place] = (parts, summary(self.pixels, parts, alike=self.alike))
        return self.latest[place]


def execute(
    spec: RunSpec,
    material: Material,
    *,
    on_epochs: Callable[[Sequence[Epoch]], None],
    checkpoint: Checkpoint | None = None,
) -> tuple[RunResult, dict[str, Tensor]]:
    """Train and test one run; returns its result and the best epoch's weights, on the CPU.

    `on_epochs` is told each epoch as it ends, and first, all at once, those of a process before this one
    up to its last checkpoint.

    `spec.stream` seeds initialisation, data order, augmentation and dropout: on one CPU machine the same
    spec gives the same predictions bit for bit with as many threads.

    Raises:
        harness.training.train.Diverged: the loss stopped being a number.
        ValueError: the data cannot be split so.
    """
    start = time.perf_counter()
    pixels, device = material.pixels, material.device
    parts, data = material.divided(spec)
    # What could fail besides training does so before it.
    cost = material.costs.get(spec.architecture) or count(
        spec.architecture, classes=len(data.classes), image_size=spec.dataset.image_size
    )
    where = environment(device)
    result = RunResult(
        spec=spec,
        data=data,
        predictions=(),
        history=(),
        best_epoch=0,
        cost=cost,
        environment=where,
        seconds=0.0,
        training_version=TRAINING_VERSION,
        fixed_weights=has_fixed_weights(spec.architecture, classes=len(data.classes)),
    )
    if spec.trains:
        network, history, pieces, earlier = _fitted(spec, material, on_epochs, checkpoint)
        start -= earlier
        predictions = predict(
            network,
            _part(pixels, parts.test, device=device).images,
            samples=[pixels.table.samples[row] for row in parts.test],
            step=stepping(network, spec.training),
        )
        best = best_epoch(history).number
        result = replace(result, history=history, best_epoch=best, predictions=predictions, pieces=pieces)
    else:
        assert material.weights is not None
        network = network_of(spec, material)
        network.load_state_dict(material.weights)
        result = READINGS[spec.control](result, network, pixels, parts, device)
    result = replace(result, seconds=time.perf_counter() - start)
    weights = network.state_dict()  # with the versions of its modules
    weights.update({name: tensor.cpu() for name, tensor in weights.items()})
    return result, weights


def _fitted(
    spec: RunSpec,
    material: Material,
    on_epochs: Callable[[Sequence[Epoch]], None],
    checkpoint: Checkpoint | None,
) -> tuple[nn.Module, tuple[Epoch, ...], int, float]:
    """The trained network, its epochs, each told as it ends, and into how many pieces batches were cut.

    Last come the seconds that epochs of an earlier process had taken.

    Where a batch does not fit the memory, training begins anew with twice as many pieces: the same batch for
    the optimizer, a smaller one for the memory, and for the statistics of batch norm.
    """
    standing = standing_of(spec, material)
    if checkpoint and checkpoint.restore(standing):
        on_epochs(standing.history)
    earlier = sum(epoch.seconds for epoch in standing.history)
    while True:
        try:
            keep = checkpoint.keep if checkpoint else forget
            for epoch in trained(standing, spec, material, keep=keep):
                on_epochs((epoch,))
            return standing.network, tuple(standing.history), standing.pieces, earlier
        except Diverged:
            # What stands there leads to no number again.
            if checkpoint:
                checkpoint.discard()
            raise
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or 4 * standing.pieces > spec.training.batch:
                raise
        if checkpoint:
            checkpoint.discard()
        pieces = 2 * standing.pieces
        del standing  # the memory that it holds is what was lacking
        if material.device.type == "cuda":
            torch.cuda.empty_cache()
        standing = standing_of(spec, material, pieces=pieces)


def _identity(
    result: RunResult, network: nn.Module, pixels: Pixels, parts: Split, device: torch.device
) -> RunResult:
    spec = result.spec
    names, counts, predictions = probe_identity(network, pixels, parts.train, device=device)
    data = _of_subjects(result.data, names, counts, predictions)
    if spec.folds > 1:
        # Another fold's probe is asked of the same training clips; its answers are not to be averaged in.
        predictions = tuple(replace(p, clip=f"{p.clip} (fold {spec.fold})") for p in predictions)
    return replace(result, data=data, predictions=predictions)


def _robustness(
    result: RunResult, network: nn.Module, pixels: Pixels, parts: Split, device: torch.device
) -> RunResult:
    found = corrupted(network, pixels, parts.test, spec=result.spec, device=device)
    return replace(result, predictions=found)


def _latency(
    result: RunResult, network: nn.Module, pixels: Pixels, parts: Split, device: torch.device
) -> RunResult:
    found = latency(network, spec=result.spec, classes=result.data.classes, device=device)
    return replace(result, timings=found)


READINGS: Mapping[str, Callable[[RunResult, nn.Module, Pixels, Split, torch.device], RunResult]] = {
    "identity-probe": _identity,
    "robustness": _robustness,
    "latency": _latency,
}
"""What a run that trains nothing adds to its result, from the trained network on its device."""


def has_fixed_weights(arm: ArchitectureSpec, *, classes: int) -> bool:
    """Whether a network of the user's own is built with the same weights whatever the seed is.

    Such a network seeds itself, or has nothing to draw. Trainings of it differ in data order alone.
    """
    if arm.network != USER:
        return False
    states = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        states.append(build(arm, classes=classes).state_dict())
    return all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def network_of(spec: RunSpec, material: Material) -> nn.Module:
    """The run's network as its seed initialises it, on the device."""
    torch.manual_seed(spec.stream)
    settle(spec.training)
    network = build(spec.architecture, classes=len(material.pixels.table.classes))
    return arranged(network, spec.architecture, material.device)


def standing_of(spec: RunSpec, material: Material, *, pieces: int = 1) -> Standing:
    """The run before its first epoch."""
    if spec.training.compile:
        keep_compiled(spec.architecture)
    return begun(network_of(spec, material), spec.training, seed=spec.stream, pieces=pieces)


def trained(
    standing: Standing,
    spec: RunSpec,
    material: Material,
    *,
    keep: Callable[[Standing], None] = forget,
) -> Iterator[Epoch]:
    """Train the run on, epoch by epoch, on its training and validation parts: see `fit`."""
    pixels, device = material.pixels, material.device
    parts, _ = material.divided(spec)
    train = _part(pixels, parts.train, device=device)
    if spec.control == "shuffled-labels":
        clips = [pixels.table.samples[row].clip for row in parts.train]
        train = replace(train, labels=shuffled(train.labels, clips, seed=spec.stream))
    return fit(
        standing,
        train,
        validation=_part(pixels, parts.validation, device=device),
        classes=len(pixels.table.classes),
        training=spec.training,
        keep=keep,
    )


def _of_subjects(
    data: DataSummary, names: tuple[str, ...], counts: tuple[int, ...], tested: Sequence[Prediction]
) -> DataSummary:
    """The summary of a probe whose classes are subjects, all of them from the training part."""
    truths = [prediction.truth for prediction in tested]
    return replace(
        data,
        classes=names,
        train=counts,
        validation=(0,) * len(names),
        test=tuple(truths.count(c) for c in range(len(names))),
        leakage=Leakage(clip=0.0, subject=1.0),
        findings=(),
    )


def _part(pixels: Pixels, rows: tuple[int, ...], *, device: torch.device) -> Part:
    labels = torch.tensor([pixels.table.samples[i].label for i in rows], dtype=torch.int64)
    images = torch.from_numpy(pixels.images[list(rows)])
    return placed(images, labels, device=device)


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
        drawn=table.drawn,
        subject_clips=_subject_clips(table),
    )


def _subject_clips(table: SampleTable) -> tuple[int, ...]:
    """Number of clips of each subject; () where a sample names no subject."""
    subject_of = {sample.clip or sample.id: sample.subject for sample in table.samples}
    return () if "" in subject_of.values() else tuple(sorted(Counter(subject_of.values()).values()))
