"""What became of a study: for every arm under every protocol, the scores of each seed and what is missing.

The folds of a training are pooled before a score is taken; trainings are never pooled. A training counts once
all its folds are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from architectures.spec import USER, ArchitectureSpec
from datasets.catalogue import SYNTHETIC
from datasets.spec import Leakage
from studies.controls import MAJORITY, PRIOR, majority, prior_guesser
from studies.metrics import Scores, headline, scores
from studies.results import DataSummary, Failure, Prediction, RunResult, StudyResult
from studies.spec import NULL_SEEDS, Role, RunSpec, Study

Answer = Callable[[Sequence[RunResult]], tuple[tuple[Prediction, ...], ...]]
"""A rule that answers the test samples of one seed's folds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedOutcome:
    """One complete seed: its folds' runs, and their pooled predictions scored by unit and by frame.

    `units` are the predictions in the protocol's unit of evaluation, `right` says which answer is the truth.
    """

    split_seed: int
    seed: int
    runs: tuple[RunResult, ...]
    predictions: tuple[Prediction, ...]
    units: tuple[Prediction, ...]
    right: tuple[bool, ...]
    scores: Scores
    by_frame: Scores

    @property
    def id(self) -> tuple[int, int]:
        """Division and training seed: trainings of two arms with one id had the same samples in each part."""
        return self.split_seed, self.seed


def _pool_leakage(runs: Sequence[RunResult]) -> Leakage | None:
    shares = [(run.leakage, len(run.predictions)) for run in runs]
    if not shares:
        return None
    return Leakage(
        clip=_pooled([(share.clip, frames) for share, frames in shares]),
        subject=_pooled([(share.subject, frames) for share, frames in shares]),
    )


def _pooled(shares: Sequence[tuple[float | None, int]]) -> float | None:
    """The share over the runs of (share, test frames), or None if one of them is unknown."""
    known = [share * frames for share, frames in shares if share is not None]
    return sum(known) / sum(frames for _, frames in shares) if len(known) == len(shares) else None


def marked(name: str, *marks: str) -> str:
    """A name with those of its marks that say something."""
    told = ", ".join(mark for mark in marks if mark)
    return f"{name} ({told})" if told else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One arm, or one negative control, under one protocol; `control` names the control, "" for an arm.

    `leakage` holds the shares over all the test frames of all runs: each is None where it is unknown for a
    run, and all of it is None without frames.
    """

    arm: ArchitectureSpec
    protocol: str
    seeds: tuple[SeedOutcome, ...]
    planned_seeds: int
    failures: tuple[Failure, ...]
    unrun: int
    scale: str
    leakage: Leakage | None
    control: str = ""

    @property
    def runs(self) -> tuple[RunResult, ...]:
        """The runs behind every number of this outcome."""
        return tuple(run for seed in self.seeds for run in seed.runs)

    @property
    def keys(self) -> tuple[str, ...]:
        """Their keys."""
        return tuple(run.spec.key for run in self.runs)

    @property
    def first(self) -> RunResult | None:
        """The run that stands for what does not depend on the seed: cost, classes."""
        return self.seeds[0].runs[0] if self.seeds else None

    @property
    def collapsed(self) -> int:
        """Number of seeds in which the network gave every test sample the same answer."""
        return sum(seed.scores.collapsed for seed in self.seeds)

    @property
    def collapsed_throughout(self) -> bool:
        """Whether it has finished seeds and collapsed in all of them: it has learned nothing."""
        return 0 < self.collapsed == len(self.seeds)

    @property
    def collapse(self) -> str:
        """That it collapsed and, of several seeds, in how many; nothing where it did in none."""
        if not self.collapsed:
            return ""
        return f"collapsed in {self.collapsed} of {len(self.seeds)} seeds" if self.seeds[1:] else "collapsed"

    @property
    def name(self) -> str:
        """The arm's name with its marks: at another width than its neighbours, collapsed."""
        return self.plain_name if self.control else marked(self.arm.name, self.scale, self.collapse)

    @property
    def plain_name(self) -> str:
        """The arm's or the control's name without marks."""
        return f"control: {self.control}" if self.control else self.arm.name

    @property
    def unit(self) -> str:
        """What is counted: frames under the paper's split or where no clip is told, else clips."""
        told = self.first is None or any(prediction.clip for prediction in self.first.predictions)
        return "clips" if told and self.protocol != "frame" else "frames"

    @property
    def state(self) -> str:
        """What happened to the seeds that are not there; nothing where all are."""
        if len(self.seeds) == self.planned_seeds:
            return ""
        return "failed" if self.failures else "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """A study and its outcomes, by arm and then protocol, and those of its negative controls."""

    result: StudyResult
    rows: tuple[Outcome, ...]
    controls: tuple[Outcome, ...] = ()

    @property
    def study(self) -> Study:
        """The study itself."""
        return self.result.study

    @property
    def progress(self) -> tuple[int, int, int]:
        """How many of all the study's runs have finished, have failed and are still to be run."""
        done = {run.spec.key for run in self.result.results}
        failed = {failure.spec.key for failure in self.result.failures} - done
        keys = [spec.key for spec in self.study.runs()]
        finished, broken = (sum(key in found for key in keys) for found in (done, failed))
        return finished, broken, len(keys) - finished - broken

    @property
    def drawn(self) -> bool:
        """Whether harness drew the faces; of the synthetic set also where results do not say so."""
        return self.study.dataset.name == SYNTHETIC or any(run.data.drawn for run in self.result.results)

    def under(self, protocol: str) -> tuple[Outcome, ...]:
        """The outcomes of that protocol, one an arm."""
        return tuple(row for row in self.rows if row.protocol == protocol)

    def of(self, arm: str) -> tuple[Outcome, ...]:
        """The outcomes of the arm of that name, one a protocol; none if it is no arm."""
        return tuple(row for row in self.rows if row.arm.name == arm)

    def data(self, protocol: str) -> DataSummary | None:
        """What the first finished run of that protocol was given."""
        return next((row.first.data for row in self.under(protocol) if row.first), None)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, as every finished run has them; none if no run has finished."""
        return self.result.results[0].data.classes if self.result.results else ()


def outcomes(result: StudyResult) -> Outcomes:
    """Score everything that a study has come to so far."""
    rows = [
        _outcome(result, arm, protocol=protocol)
        for arm in result.study.arms
        for protocol in result.study.protocols
    ]
    return Outcomes(result=result, rows=tuple(rows), controls=tuple(_controls(result, rows)))


def _controls(result: StudyResult, rows: Sequence[Outcome]) -> Iterator[Outcome]:
    """The controls by protocol: those computed from the runs of an arm that has finished, then those run."""
    study = result.study
    if not study.controls:
        return
    for protocol in study.protocols:
        own = [row for row in rows if row.protocol == protocol and row.seeds]
        about = next((row for row in own if row.arm == study.proposal), own[0] if own else None)
        if about:
            yield _computed(about, MAJORITY, majority)
            yield _computed(about, PRIOR, prior_guesser)
        for control in study.controls:
            yield _outcome(result, study.proposal, protocol=protocol, control=control)


def _computed(row: Outcome, name: str, answer: Answer) -> Outcome:
    """What answering by a rule would have come to on the tests of `row`'s runs."""
    seeds = []
    for seed in row.seeds:
        answered = zip(seed.runs, answer(seed.runs), strict=True)
        runs = [replace(run, predictions=predictions) for run, predictions in answered]
        seeds.append(_seed(seed.id, runs, protocol=row.protocol))
    return replace(row, seeds=tuple(seeds), failures=(), unrun=0, control=name)


def _outcome(result: StudyResult, arm: ArchitectureSpec, *, protocol: str, control: Role = "none") -> Outcome:
    study = result.study
    found = {run.spec.key: run for run in result.results}
    failed = {failure.spec.key: failure for failure in result.failures}
    keys: dict[tuple[int, int], list[str]] = {}
    for spec in study.runs():
        if (spec.architecture, spec.protocol, spec.control) == (arm, protocol, control):
            keys.setdefault(training_id(spec), []).append(spec.key)
    absent = [key for members in keys.values() for key in members if key not in found]
    complete = {
        training: [found[key] for key in members]
        for training, members in keys.items()
        if all(key in found for key in members)
    }
    return Outcome(
        arm=arm,
        protocol=protocol,
        seeds=tuple(_seed(training, runs, protocol=protocol) for training, runs in complete.items()),
        leakage=_pool_leakage([run for runs in complete.values() for run in runs if run.predictions]),
        planned_seeds=len(study.split_seeds) * len(study.seeds),
        failures=tuple(failed[key] for key in absent if key in failed),
        unrun=sum(key not in failed for key in absent),
        scale=_scale(arm, study.arms),
        control="" if control == "none" else control,
    )


def training_id(spec: RunSpec) -> tuple[int, int]:
    """The run's division and training seed; of a null arm's run, that of the other arms' runs beside it."""
    return spec.split_seed, spec.seed % NULL_SEEDS


def training_label(spec: RunSpec) -> str:
    """The run's training for people: "seed 0", or "division 1, seed 0" on any division but the first."""
    division, seed = training_id(spec)
    return f"division {division}, seed {seed}" if division else f"seed {seed}"


def _seed(training: tuple[int, int], runs: Sequence[RunResult], *, protocol: str) -> SeedOutcome:
    predictions = tuple(prediction for run in runs for prediction in run.predictions)
    classes = len(runs[0].data.classes)
    units = headline(predictions, protocol)
    pooled = scores(units, classes)
    split_seed, seed = training
    return SeedOutcome(
        split_seed=split_seed,
        seed=seed,
        runs=tuple(runs),
        predictions=predictions,
        units=units,
        right=tuple(unit.answer == unit.truth for unit in units),
        scores=replace(pooled, collapsed=pooled.collapsed or _is_constant(runs, protocol=protocol)),
        by_frame=scores(predictions, classes),
    )


def _is_constant(runs: Sequence[RunResult], *, protocol: str) -> bool:
    """Whether every fold that could vary gave one answer, be it another one in each.

    A fold whose test units are all of one class has one answer if it is perfect, too, so only folds with
    several classes count, and they must hold at least half of the units.
    """
    if len(runs) < 2:
        return False
    by_fold = [headline(run.predictions, protocol) for run in runs]
    telling = [units for units in by_fold if len({unit.truth for unit in units}) > 1]
    if 2 * sum(map(len, telling)) < sum(map(len, by_fold)):
        return False
    return all(len({unit.answer for unit in units}) == 1 for units in telling)


def _scale(arm: ArchitectureSpec, arms: Sequence[ArchitectureSpec]) -> str:
    if arm.network == USER:
        return ""
    if arm.width != 1:
        return f"width {arm.width:g}"
    return "full width" if any(other.width != 1 for other in arms) else ""
