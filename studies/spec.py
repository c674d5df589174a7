"""What to run: how a network is trained, one run of it, and a study that is a set of runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Literal

from architectures.catalogue import smallest_input
from architectures.spec import ArchitectureSpec
from datasets.spec import AugmentationSpec, DatasetSpec
from studies.codec import to_json

RECIPE = 1
"""Raised whenever training comes to mean something else, so that no older result answers for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """The paper's training: Adam, focal loss, early stopping; the same for every arm.

    `patience` counts epochs without a better validation accuracy (ties: lower loss). `gamma` is the focal
    loss's exponent, which the paper leaves out; `class_weights` "inverse" is its α. γ = 0 without weights
    is cross-entropy. `precision` and `compile` are as resolved for the device, not as asked for.

    Raises:
        ValueError: a count below 1, a rate or an exponent out of range.
    """

    epochs: int = 100
    batch: int = 32
    learning_rate: float = 1e-3
    gamma: float = 2.0
    class_weights: Literal["inverse", "none"] = "inverse"
    patience: int = 10
    augmentation: AugmentationSpec = field(default_factory=AugmentationSpec)
    precision: Literal["float32"] = "float32"
    compile: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; got {getattr(self, name)}")
        if not 0 < self.learning_rate < 1:
            raise ValueError(f"learning rate must lie between 0 and 1; got {self.learning_rate}")
        if self.gamma < 0:
            raise ValueError(f"gamma must be at least 0; got {self.gamma}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One training run, in full: what is equal in every field but names is the same run.

    `fingerprint` identifies the data by content (`datasets.pixels.cache`); `fold` is one of `folds`, from 0.

    Raises:
        ValueError: the architecture cannot take images of this size.
    """

    dataset: DatasetSpec
    fingerprint: str
    protocol: str
    fold: int
    folds: int = 1
    architecture: ArchitectureSpec
    training: TrainingSpec
    seed: int

    def __post_init__(self) -> None:
        smallest = smallest_input(self.architecture)
        if self.dataset.image_size < smallest:
            raise ValueError(
                f"{self.architecture.name} needs images of at least {smallest} px; got "
                f"{self.dataset.image_size}: raise --image-size, or leave that network out"
            )

    @property
    def key(self) -> str:
        """The run's identity, 16 hexadecimal digits: equal in MLflow, on disk and in the report."""
        nameless = replace(self, architecture=replace(self.architecture, name=""))
        return hashlib.sha256(f"{RECIPE} {to_json(nameless)}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Arms run under the same data, training, protocols and seeds, so that they can be compared.

    `folds` gives the number of folds of each protocol on these data; () where each has one.

    Raises:
        ValueError: nothing to run, an arm twice, or an arm that cannot take the images.
    """

    kind: Literal["ablation", "comparison"]
    design: str
    preset: str
    dataset: DatasetSpec
    fingerprint: str
    protocols: tuple[str, ...]
    seeds: tuple[int, ...]
    training: TrainingSpec
    arms: tuple[ArchitectureSpec, ...]
    folds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        for what, values in (("arm", names), ("protocol", self.protocols), ("seed", self.seeds)):
            if not values:
                raise ValueError(f"a study needs at least one {what}")
            twice = {value for value in values if list(values).count(value) > 1}
            if twice:
                raise ValueError(f"{what} named twice: {', '.join(map(str, sorted(twice)))}")
        self.runs()

    @property
    def name(self) -> str:
        """What a person finds the study by: kind, design, data, preset, and a digest of all of it."""
        digest = hashlib.sha256(to_json(self).encode()).hexdigest()[:6]
        parts = (self.kind, self.design, self.dataset.name, "+".join(self.protocols), self.preset, digest)
        return "-".join(part for part in parts if part)

    def runs(self) -> tuple[RunSpec, ...]:
        """Every run of the study: by protocol, then seed, then fold, then arm."""
        return tuple(
            RunSpec(
                dataset=self.dataset,
                fingerprint=self.fingerprint,
                protocol=protocol,
                fold=fold,
                folds=folds,
                architecture=arm,
                training=self.training,
                seed=seed,
            )
            for protocol, folds in zip(self.protocols, self.folds or [1] * len(self.protocols), strict=True)
            for seed in self.seeds
            for fold in range(folds)
            for arm in self.arms
        )
