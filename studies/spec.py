"""The specifications of a training and of a run, and the key that identifies a run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, get_args

from architectures.catalogue import min_image_size
from architectures.spec import ArchitectureSpec
from datasets.spec import AugmentationSpec, DatasetSpec
from studies.codec import to_json
from studies.errors import StudyError

TRAINING_VERSION = 3
"""Part of every run's key. It is raised when training changes, so that no older result is reused."""

FOLD_0_VERSION = 2
"""The version in the keys of runs on fold 0. Version 3 changed the random numbers of the other folds only."""


MAX_COUNT = 1_000_000
"""Upper limit of epochs, patience and batch size. A larger number is taken for a typing error."""

Engine = Literal["eager", "fused", "compiled"]
"""How a training step is computed; `harness.training.engine` describes each engine."""

Precision = Literal["float32", "tf32-convolutions", "tf32", "bfloat16"]
"""How float32 is computed on a GPU.

"float32" is IEEE single precision everywhere. "tf32" computes convolutions and matrix products in TF32 (10
bits of mantissa), "tf32-convolutions" the convolutions only: the default of PyTorch on GPUs since Ampere.
"bfloat16" is automatic mixed precision.
"""

Control = Literal["shuffled-labels", "onset-frame", "identity-probe"]
"""Negative controls that need a run; `studies.controls` describes each."""

Check = Literal["cross-entropy", "robustness", "latency"]
"""Runs that check the paper's claims other than accuracy; `studies.claim_checks` describes each."""

Metric = Literal["accuracy", "uf1", "uar"]
"""The metric that decides a study; `studies.metrics` defines each."""

METRICS: tuple[str, ...] = get_args(Metric)

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
        StudyError: a count is below 1 or above `MAX_COUNT`, or `learning_rate` or `gamma` is out of range.
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
                raise StudyError("training-count.too-small", f"{name} must be at least 1; got {count}")
            if count > MAX_COUNT:
                raise StudyError(
                    "training-count.too-large", f"{name} must be at most {MAX_COUNT}; got {count}"
                )
        if not 0 < self.learning_rate < 1:
            raise StudyError(
                "learning-rate.range", f"learning rate must lie between 0 and 1; got {self.learning_rate}"
            )
        if self.gamma < 0:
            raise StudyError("gamma.negative", f"gamma must be at least 0; got {self.gamma}")

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
        StudyError: the images are too small for the architecture.
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
        check_image_size(self.architecture, self.dataset.image_size)

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


def check_image_size(arm: ArchitectureSpec, image_size: int) -> None:
    """Raise StudyError if images of `image_size` pixels are too small for `arm`."""
    min_size = min_image_size(arm)
    if image_size < min_size:
        raise StudyError(
            "image-size.too-small",
            f"{arm.name} needs images of at least {min_size} px; got {image_size}: raise --image-size, or "
            "leave that network out",
        )


@lru_cache(maxsize=65_536)  # equal runs are read many times from their records
def _compute_key(spec: RunSpec) -> str:
    anonymous_spec = replace(spec, architecture=replace(spec.architecture, name="", source=""))
    return hash_run(to_json(anonymous_spec), version=TRAINING_VERSION if spec.fold else FOLD_0_VERSION)


def hash_run(anonymous_json: str, *, version: int) -> str:
    """Return the key of a run from the canonical JSON of its spec and its training version.

    In `anonymous_json` the name and the source of the architecture are "".
    """
    return hashlib.sha256(f"{version} {anonymous_json}".encode()).hexdigest()[:16]
