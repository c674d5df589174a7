"""Evaluation of a study: for each arm and protocol, the scores of each training and the missing runs.

The predictions of a training's folds are pooled before scores are computed; trainings are never pooled. A
training counts once all its folds have finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from architectures.spec import USER_NETWORK, ArchitectureSpec
from datasets.catalogue import SYNTHETIC_SETS
from datasets.spec import Leakage
from datasets.text import pluralize
from studies.controls import MAJORITY, PRIOR, predict_majority, predict_prior
from studies.metrics import Scores, compute_scores, map_correct, to_evaluation_unit
from studies.results import DataSummary, Failure, Prediction, RunResult, StudyResult
from studies.spec import RunSpec, Variant
from studies.study import NULL_SEED_OFFSET, Study

Predictor = Callable[[Sequence[RunResult]], tuple[tuple[Prediction, ...], ...]]
"""Function from the runs of one training, one run per fold, to predictions for each run's test samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """One finished training: the runs of its folds, and scores of their pooled predictions.

    `predictions` are by frame, `units` by the protocol's unit of evaluation, and `correct_by_unit` states by
    unit id whether the predicted class is the true one. `scores` are computed over units, `frame_scores` over
    frames.
    """

    split_seed: int
    seed: int
    runs: tuple[RunResult, ...]
    predictions: tuple[Prediction, ...]
    units: tuple[Prediction, ...]
    correct_by_unit: Mapping[str, bool]
    scores: Scores
    frame_scores: Scores

    @property
    def id(self) -> tuple[int, int]:
        """Split seed and training seed; trainings of two arms with the same id use the same split."""
        return self.split_seed, self.seed


def _pool_leakage(runs: Sequence[RunResult]) -> Leakage | None:
    shares = [(run.leakage, len(run.predictions)) for run in runs]
    if not shares:
        return None
    return Leakage(
        clip=_pool_shares([(share.clip, frames) for share, frames in shares]),
        subject=_pool_shares([(share.subject, frames) for share, frames in shares]),
    )


def _pool_shares(shares: Sequence[tuple[float | None, int]]) -> float | None:
    """Return the mean of (share, test frames) pairs weighted by frames, or None if any share is None."""
    known_counts = [share * frame_count for share, frame_count in shares if share is not None]
    return (
        sum(known_counts) / sum(frame_count for _, frame_count in shares)
        if len(known_counts) == len(shares)
        else None
    )


def append_marks(name: str, *marks: str) -> str:
    """Return `name` followed by the nonempty `marks` in parentheses."""
    marks_text = ", ".join(mark for mark in marks if mark)
    return f"{name} ({marks_text})" if marks_text else name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """Results of one arm, or of one negative control, under one protocol. Equality is identity.

    `control` is the name of the control, "" for an arm. `leakage` holds the shares of the test frames of all
    runs; a share is None if any run does not know it. `leakage` is None without test frames.
    """

    arm: ArchitectureSpec
    protocol: str
    trainings: tuple[TrainingOutcome, ...]
    planned_trainings: int
    failures: tuple[Failure, ...]
    pending_runs: int
    width_mark: str
    leakage: Leakage | None
    control: str = ""

    @property
    def runs(self) -> tuple[RunResult, ...]:
        """The runs of all finished trainings."""
        return tuple(run for training in self.trainings for run in training.runs)

    @property
    def run_keys(self) -> tuple[str, ...]:
        """The keys of `runs`."""
        return tuple(run.spec.key for run in self.runs)

    @property
    def first_run(self) -> RunResult | None:
        """The first run, for values that do not depend on the seed, such as cost and classes."""
        return self.trainings[0].runs[0] if self.trainings else None

    @property
    def collapsed_count(self) -> int:
        """Number of trainings in which the network predicts one class for all test samples, or per fold."""
        return sum(training.scores.is_collapsed for training in self.trainings)

    @property
    def is_fully_collapsed(self) -> bool:
        """Whether there are finished trainings and all of them collapsed."""
        return 0 < self.collapsed_count == len(self.trainings)

    @property
    def collapse_mark(self) -> str:
        """Text such as "collapsed in 1 of 2 seeds"; "" if no training collapsed."""
        if not self.collapsed_count:
            return ""
        return (
            f"collapsed in {self.collapsed_count} of {pluralize(len(self.trainings), 'seed')}"
            if self.trainings[1:]
            else "collapsed"
        )

    @property
    def marked_name(self) -> str:
        """The arm's name with its marks for width and collapse; a control's name without marks."""
        return (
            self.plain_name
            if self.control
            else append_marks(self.arm.name, self.width_mark, self.collapse_mark)
        )

    @property
    def plain_name(self) -> str:
        """The arm's or the control's name without marks."""
        return f"control: {self.control}" if self.control else self.arm.name

    @property
    def unit_name(self) -> str:
        """Unit of evaluation: "frames" under protocol frame or if clips are unknown, otherwise "clips"."""
        has_clips = self.first_run is None or any(
            prediction.clip for prediction in self.first_run.predictions
        )
        return "clips" if has_clips and self.protocol != "frame" else "frames"

    @property
    def missing_status(self) -> str:
        """Status of missing trainings, "failed" or "not run"; "" if all trainings have finished."""
        if len(self.trainings) == self.planned_trainings:
            return ""
        return "failed" if self.failures else "not run"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyEvaluation:
    """A study with the outcomes of its arms, by arm and then protocol, and of its negative controls.

    Equality is identity, so that functions of an evaluation can keep their results cheaply.
    """

    result: StudyResult
    outcomes: tuple[Outcome, ...]
    controls: tuple[Outcome, ...] = ()

    @property
    def study(self) -> Study:
        """The specification of the study."""
        return self.result.study

    @property
    def run_counts(self) -> tuple[int, int, int]:
        """Numbers of finished, failed and pending runs of the study."""
        finished_keys = {run.spec.key for run in self.result.results}
        failed_keys = {failure.spec.key for failure in self.result.failures} - finished_keys
        keys = [spec.key for spec in self.study.list_runs()]
        finished_count, failed_count = (
            sum(key in key_set for key in keys) for key_set in (finished_keys, failed_keys)
        )
        return finished_count, failed_count, len(keys) - finished_count - failed_count

    @property
    def is_synthetic(self) -> bool:
        """Whether the faces are synthetic; always true for the sets of `SYNTHETIC_SETS`."""
        return self.study.dataset.name in SYNTHETIC_SETS or any(
            run.data.synthetic for run in self.result.results
        )

    def select_protocol(self, protocol: str) -> tuple[Outcome, ...]:
        """Return the outcomes under a protocol, one per arm."""
        return tuple(outcome for outcome in self.outcomes if outcome.protocol == protocol)

    def select_arm(self, arm: str) -> tuple[Outcome, ...]:
        """Return the outcomes of an arm, one per protocol; empty if the study has no such arm."""
        return tuple(outcome for outcome in self.outcomes if outcome.arm.name == arm)

    def get_data_summary(self, protocol: str) -> DataSummary | None:
        """Return the data summary of the first finished run under a protocol; None if none has finished."""
        return next(
            (outcome.first_run.data for outcome in self.select_protocol(protocol) if outcome.first_run), None
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, the same in every finished run; empty if no run has finished."""
        return self.result.results[0].data.classes if self.result.results else ()


def evaluate_study(result: StudyResult) -> StudyEvaluation:
    """Score all finished runs of a study."""
    outcomes = [
        _evaluate_arm(result, arm, protocol=protocol)
        for arm in result.study.arms
        for protocol in result.study.protocols
    ]
    return StudyEvaluation(
        result=result, outcomes=tuple(outcomes), controls=tuple(_evaluate_controls(result, outcomes))
    )


def _evaluate_controls(result: StudyResult, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Yield for each protocol the controls computed from a finished arm's runs, then the trained controls."""
    study = result.study
    if not study.controls:
        return
    for protocol in study.protocols:
        finished = [outcome for outcome in outcomes if outcome.protocol == protocol and outcome.trainings]
        reference = next(
            (outcome for outcome in finished if outcome.arm == study.primary_arm),
            finished[0] if finished else None,
        )
        if reference:
            yield _evaluate_control(reference, MAJORITY, predict_majority)
            yield _evaluate_control(reference, PRIOR, predict_prior)
        for control in study.controls:
            yield _evaluate_arm(result, study.primary_arm, protocol=protocol, variant=control)


def _evaluate_control(outcome: Outcome, control: str, predict: Predictor) -> Outcome:
    """Return the outcome of the rule `predict` on the test sets of an arm's runs."""
    trainings = []
    for training in outcome.trainings:
        run_predictions = zip(training.runs, predict(training.runs), strict=True)
        runs = [replace(run, predictions=predictions) for run, predictions in run_predictions]
        trainings.append(_evaluate_training(training.id, runs, protocol=outcome.protocol))
    return replace(outcome, trainings=tuple(trainings), failures=(), pending_runs=0, control=control)


def _evaluate_arm(
    result: StudyResult, arm: ArchitectureSpec, *, protocol: str, variant: Variant = "none"
) -> Outcome:
    study = result.study
    failures_by_key = {failure.spec.key: failure for failure in result.failures}
    runs_by_training, missing_keys = group_by_training(result, arm, protocol=protocol, variant=variant)
    return Outcome(
        arm=arm,
        protocol=protocol,
        trainings=tuple(
            _evaluate_training(training_id, runs, protocol=protocol)
            for training_id, runs in runs_by_training.items()
        ),
        leakage=_pool_leakage([run for runs in runs_by_training.values() for run in runs if run.predictions]),
        planned_trainings=len(study.split_seeds) * len(study.seeds),
        failures=tuple(failures_by_key[key] for key in missing_keys if key in failures_by_key),
        pending_runs=sum(key not in failures_by_key for key in missing_keys),
        width_mark=_get_width_mark(arm, study.arms),
        control="" if variant == "none" else variant,
    )


def group_by_training(
    result: StudyResult, arm: ArchitectureSpec, *, protocol: str, variant: Variant
) -> tuple[dict[tuple[int, int], list[RunResult]], list[str]]:
    """Return the runs of an arm's trainings by training id, and the keys of the runs without a result.

    A training that lacks the result of a fold is left out.
    """
    results_by_key = {run.spec.key: run for run in result.results}
    keys_by_training: dict[tuple[int, int], list[str]] = {}
    for spec in result.study.list_runs():
        if (spec.architecture, spec.protocol, spec.variant) == (arm, protocol, variant):
            keys_by_training.setdefault(get_training_id(spec), []).append(spec.key)
    runs_by_training = {
        training_id: [results_by_key[key] for key in run_keys]
        for training_id, run_keys in keys_by_training.items()
        if all(key in results_by_key for key in run_keys)
    }
    all_keys = (key for run_keys in keys_by_training.values() for key in run_keys)
    return runs_by_training, [key for key in all_keys if key not in results_by_key]


def get_training_id(spec: RunSpec) -> tuple[int, int]:
    """Return the run's split seed and training seed; a null arm gets the ids of the arm that it repeats."""
    return spec.split_seed, spec.seed % NULL_SEED_OFFSET


def format_training(spec: RunSpec) -> str:
    """Return the training's name for readers: "seed 0", or "split 1, seed 0" for splits after the first."""
    split_seed, seed = get_training_id(spec)
    return f"split {split_seed}, seed {seed}" if split_seed else f"seed {seed}"


def _evaluate_training(
    training_id: tuple[int, int], runs: Sequence[RunResult], *, protocol: str
) -> TrainingOutcome:
    predictions = tuple(prediction for run in runs for prediction in run.predictions)
    class_count = len(runs[0].data.classes)
    units = to_evaluation_unit(predictions, protocol)
    unit_scores = compute_scores(units, class_count)
    split_seed, seed = training_id
    return TrainingOutcome(
        split_seed=split_seed,
        seed=seed,
        runs=tuple(runs),
        predictions=predictions,
        units=units,
        correct_by_unit=map_correct(units),
        scores=replace(
            unit_scores, is_collapsed=unit_scores.is_collapsed or _has_constant_folds(runs, protocol=protocol)
        ),
        frame_scores=compute_scores(predictions, class_count),
    )


def _has_constant_folds(runs: Sequence[RunResult], *, protocol: str) -> bool:
    """Return True if every fold predicts a single class, which may differ between folds.

    Only folds with several true classes count, because in a fold with one true class a perfect network
    predicts one class too. They must hold at least half of the units; otherwise return False.
    """
    if len(runs) < 2:
        return False
    units_by_fold = [to_evaluation_unit(run.predictions, protocol) for run in runs]
    informative_folds = [units for units in units_by_fold if len({unit.truth for unit in units}) > 1]
    if 2 * sum(map(len, informative_folds)) < sum(map(len, units_by_fold)):
        return False
    return all(len({unit.predicted_class for unit in units}) == 1 for units in informative_folds)


def _get_width_mark(arm: ArchitectureSpec, arms: Sequence[ArchitectureSpec]) -> str:
    if arm.network == USER_NETWORK:
        return ""
    if arm.width != 1:
        return f"width {arm.width:g}"
    return "full width" if any(other.width != 1 for other in arms) else ""
