"""Specifications of a training, of a run, and of a study, which is a set of runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from architectures.catalogue import PROPOSED, min_image_size
from architectures.spec import ArchitectureSpec
from datasets.spec import AugmentationSpec, DatasetSpec
from studies.codec import to_json
from studies.search import Search

TRAINING_VERSION = 3
"""Part of every run's key. It is raised when training changes, so that no older result is reused."""

FOLD_0_VERSION = 2
"""The version in the keys of runs on fold 0. Version 3 changed the random numbers of the other folds only."""

NULL_SEED_OFFSET = 1_000_000
"""Offset added to the training seeds of a null arm, so that no other arm of any study has the same seeds."""

NULL_SUFFIX = " (null)"
"""Suffix of a null arm's name. A null arm repeats another arm with different training seeds."""

MAX_COUNT = 1_000_000
"""Upper limit of epochs, patience and batch size. A larger number is taken for a typing error."""

Engine = Literal["eager", "fused", "compiled"]
"""How a training step is computed; `harness.training.engine` describes each engine."""

Precision = Literal["float32", "bfloat16"]

Control = Literal["shuffled-labels", "onset-frame", "identity-probe"]
"""Negative controls that need a run; `studies.controls` describes each."""

Check = Literal["cross-entropy", "robustness", "latency"]
"""Runs that check the paper's claims other than accuracy; `studies.claim_checks` describes each."""

Metric = Literal["accuracy", "uf1", "uar"]
"""The metric that decides a study; `studies.metrics` defines each."""

DEFAULT_MARGIN = 0.05
"""Default smallest difference of the metric that matters, as a fraction (0.05 is 5 points)."""

Variant = Literal["none", Control, Check]
"""The variant of a run: "none" for a plain training, or the control or check that it is."""

EVAL_ONLY = ("identity-probe", "robustness", "latency")
"""Variants without training: they evaluate the network that the base run has trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """The paper's training: Adam, focal loss, early stopping; the same for every arm.

    `patience` is the number of epochs without a better validation accuracy (ties: lower loss) after which
    training stops. `gamma` is the exponent of the focal loss, which the paper does not state. `class_weights`
    "inverse" is its α. `gamma` 0 with `class_weights` "none" is cross-entropy. `precision`, `engine`
    ("compiled" is torch.compile, "fused" is `architectures.cpu_kernels`) and `deterministic` hold the
    settings in effect on the device, which can differ from the requested ones.

    Raises:
        ValueError: a count is below 1 or above `MAX_COUNT`, or `learning_rate` or `gamma` is out of range.
    """

    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 1e-3
    gamma: float = 2.0
    class_weights: Literal["inverse", "none"] = "inverse"
    patience: int = 10
    augmentation: AugmentationSpec = field(default_factory=AugmentationSpec)
    precision: Precision = "float32"
    engine: Engine = "eager"
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

    def without_compilation(self) -> TrainingSpec:
        """Return this training with the engine "eager" if it is "compiled", and unchanged otherwise."""
        return replace(self, engine="eager") if self.engine == "compiled" else self


class _RunKeyCache:
    """Cache slot for the key of a run, which a report reads many times. It is not part of the run's value.

    A cache keyed by the run would hash all of its fields at every look-up.
    """

    __slots__ = ("_key_cache",)
    _key_cache: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec(_RunKeyCache):
    """The full specification of one run. Two runs that differ only in names are the same run.

    `fingerprint` identifies the data by content (`datasets.preprocessing.image_array`). `fold` counts from 0
    to `folds` - 1. `split_seed` is the seed of the split into training, validation and test; `seed` is the
    training seed. `variant` is "none", or the negative control or check that the run is.

    Raises:
        ValueError: the images are too small for the architecture.
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
        _check_image_size(self.architecture, self.dataset.image_size)

    @property
    def key(self) -> str:
        """The 16 hexadecimal digits that identify the run in MLflow, on disk and in the report."""
        try:
            return self._key_cache
        except AttributeError:
            object.__setattr__(self, "_key_cache", _compute_key(self))
            return self._key_cache

    @property
    def rng_seed(self) -> int:
        """Seed of the run's random numbers: initial weights, sample order, augmentation and dropout.

        It differs for every split seed, training seed and fold, so that the folds of one seed are independent
        trainings. On fold 0 with training seed 0 it is the split seed itself.
        """
        if self.seed == 0 and self.fold == 0:
            return self.split_seed
        digest = hashlib.sha256(f"{self.split_seed} {self.seed} {self.fold}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    @property
    def is_trained(self) -> bool:
        """Whether the run trains a network; if not, it evaluates the network of `base_run`."""
        return self.variant not in EVAL_ONLY

    @property
    def is_exclusive(self) -> bool:
        """Whether no other cell may run at the same time, as it would distort the measured times."""
        return self.variant == "latency"

    @property
    def base_run(self) -> RunSpec:
        """The run without the variant. A run that trains nothing evaluates its network."""
        return replace(self, variant="none")

    @property
    def name(self) -> str:
        """The name of the arm, followed by the variant in brackets unless it is "none"."""
        arm = self.architecture.name
        return arm if self.variant == "none" else f"{arm} ({self.variant})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A set of arms with the same data, training, protocols and seeds, so that they can be compared.

    Attributes:
        kind: "ablation" or "comparison".
        design: The design of an ablation (`studies.arms`); "" for a comparison.
        preset: The name of the preset.
        dataset: The data.
        fingerprint: Identifies the data by content.
        protocols: The split protocols.
        training: The training of every run.
        arms: The networks to compare.
        split_seeds: The seeds of the splits. Every split is combined with every training seed.
        seeds: The training seeds. A null arm (`is_null_arm`) has other training seeds.
        folds: The number of folds of each protocol on these data; () if each protocol has one fold.
        controls: The negative controls to run with the primary arm.
        onset_fingerprint: Identifies the images of the onset frames.
        checks: The checks to run: robustness of every arm, latency of every arm once, cross-entropy of the
            primary arm.
        searches: () or one search for every run; its settings replace those of `training`.
        metric: The metric that decides.
        margin: The smallest difference of the metric that matters, as a fraction.

    Raises:
        ValueError: arms, protocols or seeds are empty or contain duplicates, `margin` is not between 0 and 1,
            or the images are too small for an arm.
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
        if not 0 < self.margin < 1:
            raise ValueError(
                "the margin, the smallest difference that matters, must be a fraction between 0 and 1; "
                f"got {self.margin:g}"
            )
        check_design(
            self.arms,
            image_size=self.dataset.image_size,
            protocols=self.protocols,
            split_seeds=self.split_seeds,
            seeds=self.seeds,
        )

    @property
    def name(self) -> str:
        """The name of the study: kind, design, data set, protocols, preset, and a digest of the spec."""
        digest = hashlib.sha256(to_json(self).encode()).hexdigest()[:6]
        parts = (self.kind, self.design, self.dataset.name, "+".join(self.protocols), self.preset, digest)
        return "-".join(part for part in parts if part)

    @property
    def primary_arm(self) -> ArchitectureSpec:
        """The arm that the study and its controls examine: the proposed network, or else the first arm."""
        return select_primary_arm(self.arms)

    def list_runs(self) -> tuple[RunSpec, ...]:
        """Return all runs, ordered by protocol, split seed, training seed and fold.

        Within a fold the arms come first, then the controls, then the checks.
        """
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
        """Yield the runs of one protocol, seed and fold. `cell` is the run of the primary arm.

        Latency runs are part of the first cell only.
        """
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


def check_design(
    arms: Sequence[ArchitectureSpec],
    *,
    image_size: int,
    protocols: Sequence[str],
    split_seeds: Sequence[int],
    seeds: Sequence[int],
) -> None:
    """Check the parts of a study that do not depend on its data.

    Raises:
        ValueError: arms, protocols or seeds are empty or contain duplicates, or the images are too small for
            an arm.
    """
    for label, values in (
        ("arm", [arm.name for arm in arms]),
        ("protocol", protocols),
        ("split seed", split_seeds),
        ("seed", seeds),
    ):
        if not values:
            raise ValueError(f"a study needs at least one {label}")
        duplicates = {value for value in values if list(values).count(value) > 1}
        if duplicates:
            raise ValueError(f"{label} named twice: {', '.join(map(str, sorted(duplicates)))}")
    for arm in arms:
        _check_image_size(arm, image_size)


def _check_image_size(arm: ArchitectureSpec, image_size: int) -> None:
    min_size = min_image_size(arm)
    if image_size < min_size:
        raise ValueError(
            f"{arm.name} needs images of at least {min_size} px; got {image_size}: raise --image-size, or "
            "leave that network out"
        )


def select_primary_arm(arms: Sequence[ArchitectureSpec]) -> ArchitectureSpec:
    """Return the arm that a study and its controls examine: the proposed network, or else the first arm."""
    return next((arm for arm in arms if arm.name == PROPOSED), arms[0])


def is_null_arm(arm: ArchitectureSpec) -> bool:
    """Return whether `arm` is a null arm: it repeats another arm with different training seeds."""
    return arm.name.endswith(NULL_SUFFIX)


def build_null_arm(arm: ArchitectureSpec) -> ArchitectureSpec:
    """Return the null arm that repeats `arm`."""
    return replace(arm, name=f"{arm.name}{NULL_SUFFIX}")


@lru_cache(maxsize=32)  # every table of a report needs them
def _build_runs(study: Study) -> tuple[RunSpec, ...]:
    return tuple(study._iter_runs())


@lru_cache(maxsize=65_536)  # equal runs are read many times from their records
def _compute_key(spec: RunSpec) -> str:
    anonymous_spec = replace(spec, architecture=replace(spec.architecture, name="", source=""))
    return hash_run(to_json(anonymous_spec), version=TRAINING_VERSION if spec.fold else FOLD_0_VERSION)


def hash_run(anonymous_json: str, *, version: int) -> str:
    """Return the key of a run from the canonical JSON of its spec and its training version.

    In `anonymous_json` the name and the source of the architecture are "".
    """
    return hashlib.sha256(f"{version} {anonymous_json}".encode()).hexdigest()[:16]


def _apply_search(spec: RunSpec, search_by_key: Mapping[str, Search]) -> RunSpec:
    """Return the run with the settings of its search, or unchanged if it has no search."""
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
