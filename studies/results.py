"""What a run leaves behind. Every number of a report is computed from these, and can be computed again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from datasets.audit import Finding
from datasets.spec import Anomaly, Leakage
from studies.cost import Cost
from studies.spec import FOLD_0_VERSION, RunSpec, Study


class _PredictedClassCache:
    """Room for the answer of a prediction, which a report reads again and again; no part of its value."""

    __slots__ = ("_predicted_class",)
    _predicted_class: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(_PredictedClassCache):
    """One test sample: its class and the probability given to each class.

    `condition` is "" for the sample as it is, or how it was changed: a kind of `datasets.corrupt` and its
    strength, "noise 2".
    """

    id: str
    subject: str
    clip: str
    truth: int
    probabilities: tuple[float, ...]
    condition: str = ""

    @property
    def predicted_class(self) -> int:
        """The most probable class; of equals, the first."""
        try:
            return self._predicted_class
        except AttributeError:
            object.__setattr__(self, "_predicted_class", self.probabilities.index(max(self.probabilities)))
            return self._predicted_class


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One epoch: losses are plain means over the samples, accuracies lie in 0..1.

    Training figures are those of the augmented batches as they were learned from. `gradient_ratio` is the
    first block's gradient norm over the last block's, each the mean over the batches; None where the
    network is not made of blocks or no gradient reached the last.
    """

    number: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    gradient_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """What a run was given: samples of each class in each part, leaks, and what was wrong with the data.

    `findings` are the audit's of the run's split; `drawn` says that harness drew the faces; `subject_clips`
    is the number of clips of each subject of the whole set, () where they are unknown.
    """

    classes: tuple[str, ...]
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    leakage: Leakage
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    anomalies: tuple[Anomaly, ...]
    findings: tuple[Finding, ...] = ()
    synthetic: bool = False
    subject_clips: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where a run happened: device in words, platform, versions by package, commit of the harness."""

    device: str
    platform: str
    threads: int
    versions: tuple[tuple[str, str], ...]
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a part of answering took, picture by picture, in milliseconds."""

    phase: Literal["face", "network"]
    milliseconds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A finished run, written once. `best_epoch` is the epoch whose weights gave the predictions.

    `timings` are those of a latency check, which predicts nothing. `pieces` is into how many each batch was
    cut because a whole one did not fit the memory. `training_version` is `studies.spec.TRAINING_VERSION`
    when the run was trained. `fixed_weights`: the network starts from the same weights under every seed.
    """

    spec: RunSpec
    data: DataSummary
    predictions: tuple[Prediction, ...]
    history: tuple[Epoch, ...]
    best_epoch: int
    cost: Cost
    environment: Environment
    seconds: float
    timings: tuple[Timing, ...] = ()
    micro_batches: int = 1
    training_version: int = FOLD_0_VERSION
    has_fixed_weights: bool = False

    @property
    def leakage(self) -> Leakage:
        """The shares of `data.leakage`, each None if a prediction does not name its clip, or its subject.

        Results written before unknown shares were None hold a number in their place.
        """
        clip, subject = self.data.leakage.clip, self.data.leakage.subject
        return Leakage(
            clip=clip if all(prediction.clip for prediction in self.predictions) else None,
            subject=subject if all(prediction.subject for prediction in self.predictions) else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that did not finish, and why."""

    spec: RunSpec
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """A study as far as it has come: results and failures by arm; what has neither is still to be run.

    `run_ids` gives the tracking server's run of each result's key. `confirmatory`: its analysis plan was
    logged before any of its cells ran (`studies.analysis_plan`).
    """

    study: Study
    results: tuple[RunResult, ...]
    failures: tuple[Failure, ...] = ()
    run_ids: tuple[tuple[str, str], ...] = ()
    is_confirmatory: bool = False

    def get_result(self, spec: RunSpec) -> RunResult | None:
        """The result of that run, whatever the architecture was called when it ran."""
        key = spec.key
        return next((result for result in self.results if result.spec.key == key), None)
