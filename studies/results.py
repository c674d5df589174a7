"""The results of runs and studies. Every number of a report is computed from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from datasets.leakage.audit import Finding
from datasets.spec import Anomaly, Leakage
from studies.cost import Cost
from studies.spec import FOLD_0_VERSION, RunSpec
from studies.study import Study


class _PredictedClassCache:
    """Cache slot for the predicted class, which a report reads many times. It is not part of the value."""

    __slots__ = ("_predicted_class",)
    _predicted_class: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(_PredictedClassCache):
    """The prediction for one test sample: the true class and the predicted probability of each class.

    `condition` is "" for the original image, or the corruption and its severity (`datasets.corrupt`), such as
    "noise 2".
    """

    id: str
    subject: str
    clip: str
    truth: int
    probabilities: tuple[float, ...]
    condition: str = ""

    @property
    def predicted_class(self) -> int:
        """The class with the highest probability; among equals, the first."""
        try:
            return self._predicted_class
        except AttributeError:
            object.__setattr__(self, "_predicted_class", self.probabilities.index(max(self.probabilities)))
            return self._predicted_class


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """The metrics of one epoch. Losses are unweighted means over the samples; accuracies lie in 0..1.

    `train_loss` and `train_accuracy` are computed on the augmented batches during training. `gradient_ratio`
    is the gradient norm of the first block divided by that of the last block, each the mean over the batches.
    It is None if the network is not a block network or the last block has no gradient.
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
    """The data of a run: the number of samples of each class in each part of the split, leakage and problems.

    `findings` are the audit's findings about the run's split. `synthetic` says that harness rendered the
    faces. `subject_clips` is the number of clips of each subject of the data set; () if subjects are unknown.
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
    """The environment of a run: device, platform, versions by package, and the commit of harness."""

    device: str
    platform: str
    threads: int
    versions: tuple[tuple[str, str], ...]
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The time in milliseconds that one phase of a prediction took, for each image."""

    phase: Literal["face", "network"]
    milliseconds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The result of a finished run. It is written once.

    `best_epoch` is the epoch whose weights made the predictions. `timings` are the times of a latency check,
    which makes no predictions. `micro_batches` is the number of parts into which each batch was divided
    because a whole batch did not fit into memory. `training_version` is the value of
    `studies.spec.TRAINING_VERSION` when the run was trained. `has_fixed_weights` says that the network starts
    from the same weights under every seed. `end_time` is the time at which the run ended, UTC in ISO 8601; ""
    in results of earlier versions. `epoch_classes` is the record of the epochs, which is leaky: the predicted
    class of each evaluation unit of the test set, [epoch][unit] in the order of
    `studies.metrics.to_evaluation_unit`; () for a run without a record.
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
    end_time: str = ""
    epoch_classes: tuple[tuple[int, ...], ...] = ()

    def is_valid_on(self, device: str) -> bool:
        """Whether the result holds on `device`; latencies hold only on the device that measured them."""
        return self.spec.variant != "latency" or self.environment.device == device

    @property
    def leakage(self) -> Leakage:
        """The leakage of `data`.

        `clip` is None if a prediction names no clip, `subject` if one names no subject. Old results hold a
        number where the share is unknown.
        """
        clip, subject = self.data.leakage.clip, self.data.leakage.subject
        return Leakage(
            clip=clip if all(prediction.clip for prediction in self.predictions) else None,
            subject=subject if all(prediction.subject for prediction in self.predictions) else None,
        )


def format_end_times(end_times: Iterable[str]) -> str:
    """Return as text when runs ended, from their `RunResult.end_time`; "" if no time is known."""
    known_times = sorted(time for time in end_times if time)
    if not known_times:
        return ""
    last = f" to {known_times[-1]}" if known_times[-1] != known_times[0] else ""
    return f"runs ended {known_times[0]}{last} (UTC)"


TRACEBACK_FILE = "traceback.txt"
"""Name of the artifact of a failed run that holds the whole traceback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that did not finish, and the reason.

    `traceback_run_id` is the id of the MLflow run whose artifact `TRACEBACK_FILE` holds the whole traceback.
    It is "" if there is none: the process died, or the study was imported.
    """

    spec: RunSpec
    reason: str
    traceback_run_id: str = ""

    @property
    def text(self) -> str:
        """The reason, and where the whole traceback lies."""
        if not self.traceback_run_id:
            return self.reason
        return f"{self.reason}; traceback: {TRACEBACK_FILE} of MLflow run {self.traceback_run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """The results and failures of a study so far. A run with neither has not been run yet.

    `run_ids` holds (run key, run id of the tracking server) for each result. `is_confirmatory` says that the
    analysis plan was logged before any cell ran (`studies.analysis_plan`). `commands` are the different
    command lines that ran the study, in order; () for studies of `harness.api` and of earlier versions.
    `alias` is the name that the user gave the study, or "".
    """

    study: Study
    results: tuple[RunResult, ...]
    failures: tuple[Failure, ...] = ()
    run_ids: tuple[tuple[str, str], ...] = ()
    is_confirmatory: bool = False
    commands: tuple[str, ...] = ()
    alias: str = ""
