"""What to run: how a network is trained, one run of it, and a study that is a set of runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from architectures.catalogue import PROPOSED, min_image_size
from architectures.spec import ArchitectureSpec
from datasets.spec import AugmentationSpec, DatasetSpec
from studies.codec import to_json
from studies.search import Search

TRAINING_VERSION = 3
"""Part of every run's key: raised when training changes meaning, so that no older result is reused for it."""

FOLD_0_VERSION = 2
"""The version of runs on fold 0: version 3 gave each fold its own random stream and left fold 0 as it was."""

NULL_SEED_OFFSET = 1_000_000
"""Added to the training seeds of a null arm, so that no other arm of any study shares them."""

NULL_SUFFIX = " (null)"
"""Ends the name of the null arm: the primary arm again, trained with other seeds."""

MAX_COUNT = 1_000_000
"""Of epochs, patience and images a step; more is a slip of the keyboard."""

Engine = Literal["eager", "fused", "compiled"]
"""How a training step is computed; `harness.training.engine` says what each is."""

Precision = Literal["float32", "bfloat16"]

Control = Literal["shuffled-labels", "onset-frame", "identity-probe"]
"""Negative controls that need a run; `studies.controls` says what each is."""

Check = Literal["cross-entropy", "robustness", "latency"]
"""What the paper claims beside accuracy, as runs; `studies.checks` says what each is."""

Metric = Literal["accuracy", "uf1", "uar"]
"""What decides a study; `studies.metrics` says what each is."""

DEFAULT_MARGIN = 0.05
"""The smallest difference that matters, a share, unless a study sets another."""

Variant = Literal["none", Control, Check]
"""What a run is beside its arm: nothing, a control of it or a check."""

EVAL_ONLY = ("identity-probe", "robustness", "latency")
"""Runs that train nothing: they read the network that the same run without them has trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """The paper's training: Adam, focal loss, early stopping; the same for every arm.

    `patience` counts epochs without a better validation accuracy (ties: lower loss). `gamma` is the focal
    loss's exponent, which the paper leaves out; `class_weights` "inverse" is its α. γ = 0 without weights
    is cross-entropy. `precision`, `compile` (torch.compile), `fused` (architectures.cpu_kernels) and
    `deterministic` are as resolved for the device, not as asked for.

    Raises:
        ValueError: a count below 1, a rate or an exponent out of range, or two ways to compute a step.
    """

    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 1e-3
    gamma: float = 2.0
    class_weights: Literal["inverse", "none"] = "inverse"
    patience: int = 10
    augmentation: AugmentationSpec = field(default_factory=AugmentationSpec)
    precision: Precision = "float32"
    compile: bool = False
    fused: bool = False
    deterministic: bool = False

    def __post_init__(self) -> None:
        counts = {"epochs": self.epochs, "batch": self.batch_size, "patience": self.patience}
        for name, count in counts.items():
            if count < 1:
                raise ValueError(f"{name} must be at least 1; got {count}")
            if count > MAX_COUNT:
                raise ValueError(f"{name} must be at most {MAX_COUNT}; got {count}")
        if not 0 < self.learning_rate < 1:
            raise ValueError(f"learning rate must lie between 0 and 1; got {self.learning_rate}")
        if self.gamma < 0:
            raise ValueError(f"gamma must be at least 0; got {self.gamma}")
        if self.compile and self.fused:
            raise ValueError("a step is compiled or fused, not both")

    @property
    def engine(self) -> Engine:
        """How a step is computed, in a word."""
        return "compiled" if self.compile else "fused" if self.fused else "eager"


class _RunKeyCache:
    """Room for the key of a run, which a report asks for again and again; no part of its value.

    To look it up by the run takes the hash of everything in it each time.
    """

    __slots__ = ("_key_cache",)
    _key_cache: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec(_RunKeyCache):
    """One training run, in full: what is equal in every field but names is the same run.

    `fingerprint` identifies the data by content (`datasets.pixels.cache`); `fold` is one of `folds`, from 0.
    `split_seed` draws the division into training, validation and test; `seed` is that of the training on it.
    `control` is "none", or the negative control or the check that the run is of its arm.

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
    split_seed: int = 0
    seed: int = 0
    variant: Variant = "none"

    def __post_init__(self) -> None:
        min_size = min_image_size(self.architecture)
        if self.dataset.image_size < min_size:
            raise ValueError(
                f"{self.architecture.name} needs images of at least {min_size} px; got "
                f"{self.dataset.image_size}: raise --image-size, or leave that network out"
            )

    @property
    def key(self) -> str:
        """The run's identity, 16 hexadecimal digits: equal in MLflow, on disk and in the report."""
        try:
            return self._key_cache
        except AttributeError:
            object.__setattr__(self, "_key_cache", _compute_key(self))
            return self._key_cache

    @property
    def rng_seed(self) -> int:
        """Seed of the run's random numbers: weights, order, augmentation and dropout.

        Every division, training seed and fold has its own, so that the folds of one seed are independent
        trainings. On fold 0 with training seed 0 it is the split seed itself.
        """
        if self.seed == 0 and self.fold == 0:
            return self.split_seed
        digest = hashlib.sha256(f"{self.split_seed} {self.seed} {self.fold}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    @property
    def is_trained(self) -> bool:
        """Whether a network is trained; if not, that of `trained` is read."""
        return self.variant not in EVAL_ONLY

    @property
    def base_run(self) -> RunSpec:
        """The run whose network this one reads."""
        return replace(self, variant="none")

    @property
    def name(self) -> str:
        """The arm, and the control that it was run as, for people."""
        arm = self.architecture.name
        return arm if self.variant == "none" else f"{arm} ({self.variant})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Arms run under the same data, training, protocols and seeds, so that they can be compared.

    Every division of `split_seeds` is trained on once with every seed of `seeds`. `metric` decides and
    `margin`, a share, is the smallest difference of it that matters. A null arm (`is_null`) is trained with
    seeds of its own. `folds` gives the number of folds of each protocol on these data; () where each has
    one. `controls` are run with the arm that the study is about; `onset_fingerprint` identifies the images
    of the onset frames. `checks` are run too: robustness of every arm, latency of every arm once,
    cross-entropy of that one arm. `searches` are () or those of every run, whose settings then take the
    place of `training`'s.

    Raises:
        ValueError: nothing to run, an arm twice, or an arm that cannot take the images.
    """

    kind: Literal["ablation", "comparison"]
    design: str
    preset: str
    dataset: DatasetSpec
    fingerprint: str
    protocols: tuple[str, ...]
    training: TrainingSpec
    arms: tuple[ArchitectureSpec, ...]
    split_seeds: tuple[int, ...] = (0,)
    seeds: tuple[int, ...] = (0,)
    folds: tuple[int, ...] = ()
    controls: tuple[Control, ...] = ()
    onset_fingerprint: str = ""
    checks: tuple[Check, ...] = ()
    searches: tuple[Search, ...] = ()
    metric: Metric = "accuracy"
    margin: float = DEFAULT_MARGIN

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if not 0 < self.margin < 1:
            raise ValueError(
                "the margin is the smallest difference that matters, a share between 0 and 1; "
                f"got {self.margin:g}"
            )
        for label, values in (
            ("arm", names),
            ("protocol", self.protocols),
            ("split seed", self.split_seeds),
            ("seed", self.seeds),
        ):
            if not values:
                raise ValueError(f"a study needs at least one {label}")
            duplicates = {value for value in values if list(values).count(value) > 1}
            if duplicates:
                raise ValueError(f"{label} named twice: {', '.join(map(str, sorted(duplicates)))}")
        self.list_runs()

    @property
    def name(self) -> str:
        """What a person finds the study by: kind, design, data, preset, and a digest of all of it."""
        digest = hashlib.sha256(to_json(self).encode()).hexdigest()[:6]
        parts = (self.kind, self.design, self.dataset.name, "+".join(self.protocols), self.preset, digest)
        return "-".join(part for part in parts if part)

    @property
    def primary_arm(self) -> ArchitectureSpec:
        """The arm that the study and its controls are about: the proposed network, or the first."""
        return next((arm for arm in self.arms if arm.name == PROPOSED), self.arms[0])

    def list_runs(self) -> tuple[RunSpec, ...]:
        """Every run of the study: by protocol, division, seed and fold; arms, then controls, then checks."""
        return _build_runs(self)

    def _iter_runs(self) -> Iterator[RunSpec]:
        cells = (
            RunSpec(
                dataset=self.dataset,
                fingerprint=self.fingerprint,
                protocol=protocol,
                fold=fold,
                folds=folds,
                architecture=self.primary_arm,
                training=self.training,
                split_seed=split_seed,
                seed=seed,
            )
            for protocol, folds in zip(self.protocols, self.folds or [1] * len(self.protocols), strict=True)
            for split_seed in self.split_seeds
            for seed in self.seeds
            for fold in range(folds)
        )
        search_by_key = {search.key: search for search in self.searches}
        for index, cell in enumerate(cells):
            yield from self._iter_cell_runs(cell, search_by_key, is_first=not index)

    def _iter_cell_runs(
        self, cell: RunSpec, search_by_key: Mapping[str, Search], *, is_first: bool
    ) -> Iterator[RunSpec]:
        """The runs of one protocol, seed and fold, `cell` being the proposal's; latency in the first only."""
        arms = [
            _apply_search(
                replace(cell, architecture=arm, seed=cell.seed + NULL_SEED_OFFSET * is_null_arm(arm)),
                search_by_key,
            )
            for arm in self.arms
        ]
        cell = _apply_search(cell, search_by_key)
        yield from arms
        yield from (self._build_control_run(cell, control) for control in self.controls)
        if "cross-entropy" in self.checks:
            cross_entropy = replace(cell.training, gamma=0.0, class_weights="none")
            yield replace(cell, variant="cross-entropy", training=cross_entropy)
        if "robustness" in self.checks:
            yield from (replace(arm, variant="robustness") for arm in arms)
        if "latency" in self.checks and is_first:
            yield from (replace(arm, variant="latency") for arm in arms)

    def _build_control_run(self, cell: RunSpec, control: Control) -> RunSpec:
        if control != "onset-frame":
            return replace(cell, variant=control)
        onset_dataset = replace(self.dataset, representation="onset")
        return replace(cell, variant=control, dataset=onset_dataset, fingerprint=self.onset_fingerprint)


def is_null_arm(arm: ArchitectureSpec) -> bool:
    """Whether this is a null arm: an arm of the study again, trained with seeds of its own."""
    return arm.name.endswith(NULL_SUFFIX)


def build_null_arm(arm: ArchitectureSpec) -> ArchitectureSpec:
    """The null arm of `arm`."""
    return replace(arm, name=f"{arm.name}{NULL_SUFFIX}")


@lru_cache(maxsize=32)  # every table of a report asks for them
def _build_runs(study: Study) -> tuple[RunSpec, ...]:
    return tuple(study._iter_runs())


@lru_cache(maxsize=65_536)  # runs are read anew from their records
def _compute_key(spec: RunSpec) -> str:
    identity_spec = replace(spec, architecture=replace(spec.architecture, name="", source=""))
    version = TRAINING_VERSION if spec.fold else FOLD_0_VERSION
    return hashlib.sha256(f"{version} {to_json(identity_spec)}".encode()).hexdigest()[:16]


def _apply_search(spec: RunSpec, search_by_key: Mapping[str, Search]) -> RunSpec:
    """The run with the settings that its search has found, or as it is where there was none."""
    search = search_by_key.get(spec.key) if search_by_key else None
    if search is None:
        return spec
    training = replace(
        spec.training,
        learning_rate=search.learning_rate,
        gamma=search.gamma,
        class_weights=search.class_weights,
    )
    return replace(spec, training=training)
