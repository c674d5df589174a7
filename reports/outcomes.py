"""What became of a study: for every arm under every protocol, the scores of each seed and what is missing.

The folds of a training are pooled before a score is taken; trainings are never pooled. A training counts once
all its folds are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from architectures.spec import USER_NETWORK, ArchitectureSpec
from datasets.catalogue import SYNTHETIC
from datasets.spec import Leakage
from studies.controls import MAJORITY, PRIOR, predict_majority, predict_prior
from studies.metrics import Scores, compute_scores, to_evaluation_unit
from studies.results import DataSummary, Failure, Prediction, RunResult, StudyResult
from studies.spec import NULL_SEED_OFFSET, RunSpec, Study, Variant

Predictor = Callable[[Sequence[RunResult]], tuple[tuple[Prediction, ...], ...]]
"""A rule that answers the test samples of one seed's folds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """One complete seed: its folds' runs, and their pooled predictions scored by unit and by frame.

    `units` are the predictions in the protocol's unit of evaluation, `right` says which answer is the truth.
    """

    split_seed: int
    seed: int
    runs: tuple[RunResult, ...]
    predictions: tuple[Prediction, ...]
    units: tuple[Prediction, ...]
    correct: tuple[bool, ...]
    scores: Scores
    frame_scores: Scores

    @property
    def id(self) -> tuple[int, int]:
        """Division and training seed: trainings of two arms with one id had the same samples in each part."""
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
    """The share over the runs of (share, test frames), or None if one of them is unknown."""
    known_counts = [share * frame_count for share, frame_count in shares if share is not None]
    return (
        sum(known_counts) / sum(frame_count for _, frame_count in shares)
        if len(known_counts) == len(shares)
        else None
    )


def append_marks(name: str, *marks: str) -> str:
    """A name with those of its marks that say something."""
    marks_text = ", ".join(mark for mark in marks if mark)
    return f"{name} ({marks_text})" if marks_text else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One arm, or one negative control, under one protocol; `control` names the control, "" for an arm.

    `leakage` holds the shares over all the test frames of all runs: each is None where it is unknown for a
    run, and all of it is None without frames.
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
        """The runs behind every number of this outcome."""
        return tuple(run for training in self.trainings for run in training.runs)

    @property
    def run_keys(self) -> tuple[str, ...]:
        """Their keys."""
        return tuple(run.spec.key for run in self.runs)

    @property
    def first_run(self) -> RunResult | None:
        """The run that stands for what does not depend on the seed: cost, classes."""
        return self.trainings[0].runs[0] if self.trainings else None

    @property
    def collapsed_count(self) -> int:
        """Number of seeds in which the network gave every test sample the same answer."""
        return sum(training.scores.is_collapsed for training in self.trainings)

    @property
    def is_fully_collapsed(self) -> bool:
        """Whether it has finished seeds and collapsed in all of them: it has learned nothing."""
        return 0 < self.collapsed_count == len(self.trainings)

    @property
    def collapse_mark(self) -> str:
        """That it collapsed and, of several seeds, in how many; nothing where it did in none."""
        if not self.collapsed_count:
            return ""
        return (
            f"collapsed in {self.collapsed_count} of {len(self.trainings)} seeds"
            if self.trainings[1:]
            else "collapsed"
        )

    @property
    def marked_name(self) -> str:
        """The arm's name with its marks: at another width than its neighbours, collapsed."""
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
        """What is counted: frames under the paper's split or where no clip is told, else clips."""
        has_clips = self.first_run is None or any(
            prediction.clip for prediction in self.first_run.predictions
        )
        return "clips" if has_clips and self.protocol != "frame" else "frames"

    @property
    def missing_status(self) -> str:
        """What happened to the seeds that are not there; nothing where all are."""
        if len(self.trainings) == self.planned_trainings:
            return ""
        return "failed" if self.failures else "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyEvaluation:
    """A study and its outcomes, by arm and then protocol, and those of its negative controls."""

    result: StudyResult
    outcomes: tuple[Outcome, ...]
    controls: tuple[Outcome, ...] = ()

    @property
    def study(self) -> Study:
        """The study itself."""
        return self.result.study

    @property
    def run_counts(self) -> tuple[int, int, int]:
        """How many of all the study's runs have finished, have failed and are still to be run."""
        finished_keys = {run.spec.key for run in self.result.results}
        failed_keys = {failure.spec.key for failure in self.result.failures} - finished_keys
        keys = [spec.key for spec in self.study.list_runs()]
        finished_count, failed_count = (
            sum(key in key_set for key in keys) for key_set in (finished_keys, failed_keys)
        )
        return finished_count, failed_count, len(keys) - finished_count - failed_count

    @property
    def is_synthetic(self) -> bool:
        """Whether harness drew the faces; of the synthetic set also where results do not say so."""
        return self.study.dataset.name == SYNTHETIC or any(run.data.synthetic for run in self.result.results)

    def select_protocol(self, protocol: str) -> tuple[Outcome, ...]:
        """The outcomes of that protocol, one an arm."""
        return tuple(outcome for outcome in self.outcomes if outcome.protocol == protocol)

    def select_arm(self, arm: str) -> tuple[Outcome, ...]:
        """The outcomes of the arm of that name, one a protocol; none if it is no arm."""
        return tuple(outcome for outcome in self.outcomes if outcome.arm.name == arm)

    def get_data_summary(self, protocol: str) -> DataSummary | None:
        """What the first finished run of that protocol was given."""
        return next(
            (outcome.first_run.data for outcome in self.select_protocol(protocol) if outcome.first_run), None
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, as every finished run has them; none if no run has finished."""
        return self.result.results[0].data.classes if self.result.results else ()


def evaluate_study(result: StudyResult) -> StudyEvaluation:
    """Score everything that a study has come to so far."""
    outcomes = [
        _evaluate_arm(result, arm, protocol=protocol)
        for arm in result.study.arms
        for protocol in result.study.protocols
    ]
    return StudyEvaluation(
        result=result, outcomes=tuple(outcomes), controls=tuple(_evaluate_controls(result, outcomes))
    )


def _evaluate_controls(result: StudyResult, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """The controls by protocol: those computed from the runs of an arm that has finished, then those run."""
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
    """What answering by a rule would have come to on the tests of `row`'s runs."""
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
    results_by_key = {run.spec.key: run for run in result.results}
    failures_by_key = {failure.spec.key: failure for failure in result.failures}
    keys_by_training: dict[tuple[int, int], list[str]] = {}
    for spec in study.list_runs():
        if (spec.architecture, spec.protocol, spec.variant) == (arm, protocol, variant):
            keys_by_training.setdefault(get_training_id(spec), []).append(spec.key)
    missing_keys = [
        key for run_keys in keys_by_training.values() for key in run_keys if key not in results_by_key
    ]
    runs_by_training = {
        training_id: [results_by_key[key] for key in run_keys]
        for training_id, run_keys in keys_by_training.items()
        if all(key in results_by_key for key in run_keys)
    }
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


def get_training_id(spec: RunSpec) -> tuple[int, int]:
    """The run's division and training seed; of a null arm's run, that of the other arms' runs beside it."""
    return spec.split_seed, spec.seed % NULL_SEED_OFFSET


def format_training(spec: RunSpec) -> str:
    """The run's training for people: "seed 0", or "division 1, seed 0" on any division but the first."""
    split_seed, seed = get_training_id(spec)
    return f"division {split_seed}, seed {seed}" if split_seed else f"seed {seed}"


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
        correct=tuple(unit.predicted_class == unit.truth for unit in units),
        scores=replace(
            unit_scores, is_collapsed=unit_scores.is_collapsed or _has_constant_folds(runs, protocol=protocol)
        ),
        frame_scores=compute_scores(predictions, class_count),
    )


def _has_constant_folds(runs: Sequence[RunResult], *, protocol: str) -> bool:
    """Whether every fold that could vary gave one answer, be it another one in each.

    A fold whose test units are all of one class has one answer if it is perfect, too, so only folds with
    several classes count, and they must hold at least half of the units.
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
