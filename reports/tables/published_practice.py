"""Scores as often published: with the epoch picked on each test subject, beside the clean scores.

They are leaky (`studies.published_practice`). Every title, column and sentence here says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from datasets.text import pluralize
from reports.formatting import format_points, mean_std_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation, TrainingOutcome, append_marks
from reports.paper_reference import dataset_title
from reports.table import Cell, Statement, Summary, Table
from reports.tables.score_columns import (
    IDENTITY_HEADER,
    LEAKAGE_HEADER,
    build_short_notes,
    identity_cells,
    leakage_cells,
)
from studies.metrics import METRIC_NAMES, Scores
from studies.published_practice import (
    GuesserScores,
    count_changed_units,
    score_guesser,
    score_picked_epochs,
)
from studies.spec import Metric

TITLE = "As often published (leaky)"
"""Heading of the section with these scores."""

INTRODUCTION = (
    "Leaky: no number of this section is a result. Many papers keep, for each test subject, the epoch with "
    "the most correct answers on that subject (HTNet, MMNet, SKD-TSTSAN and CausalNet, for example). The "
    "section applies this rule to the trainings of this study, to show what it adds. Verdicts and all other "
    "tables use the epoch that the validation set selects."
)

_METRICS: tuple[Metric, ...] = ("accuracy", "uf1", "uar")
_PICKING_UNITS = {"loso": "on each test subject", "kfold": "on each fold", "lodo": "on each test data set"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PracticeScores:
    """The scores of an arm under one protocol, one for each training with a record of its epochs.

    `clean` are its scores, `picked` its scores with the epoch picked on the test set of each fold, and
    `guessers` the scores of a guesser under the same rule. `changed_units` is the number of clean predictions
    that differ from the record.
    """

    outcome: Outcome
    clean: tuple[Scores, ...]
    picked: tuple[Scores, ...]
    guessers: tuple[GuesserScores, ...]
    run_keys: tuple[str, ...]
    changed_units: int

    @property
    def missing_count(self) -> int:
        """The number of finished trainings without a record."""
        return len(self.outcome.trainings) - len(self.clean)


def compute_practice_scores(outcome: Outcome) -> PracticeScores:
    """Compute the scores of the trainings whose folds all have a record of their epochs."""
    trainings = [training for training in outcome.trainings if _has_record(training)]
    return PracticeScores(
        outcome=outcome,
        clean=tuple(training.scores for training in trainings),
        picked=tuple(score_picked_epochs(training.runs) for training in trainings),
        guessers=tuple(score_guesser(training.runs) for training in trainings),
        run_keys=tuple(run.spec.key for training in trainings for run in training.runs),
        changed_units=sum(count_changed_units(run) for training in trainings for run in training.runs),
    )


def _has_record(training: TrainingOutcome) -> bool:
    return all(run.epoch_classes for run in training.runs)


def build_practice_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table with three rows per network and protocol; None if no training has a record."""
    rows = [compute_practice_scores(outcome) for outcome in evaluation.outcomes]
    if not any(scores.clean for scores in rows):
        return None
    return Table(
        id=f"leaky-practice-{evaluation.study.name}",
        title=f"{TITLE}: scores on {dataset_title(evaluation.study.dataset.name)}, in %",
        header=(
            *IDENTITY_HEADER,
            "Metric",
            "Clean",
            "Picked (leaky)",
            "Inflation, points (leaky)",
            "Guesser (leaky)",
            *LEAKAGE_HEADER,
        ),
        rows=tuple(_build_row(scores, metric) for scores in rows if scores.clean for metric in _METRICS),
        notes=(
            "Clean: the epoch with the highest validation accuracy, as in all other tables.",
            "Picked (leaky): for each fold, the first epoch with the most correct test units. Under loso a "
            "fold is one test subject.",
            "Inflation (leaky): picked minus clean.",
            "Guesser (leaky): guesses every unit in every epoch by the training set's class shares, with as "
            "many epochs as the network, picked by the same rule. The expected score of all such guessers.",
            *_build_record_notes(rows),
            *build_short_notes(evaluation.outcomes),
        ),
    )


def _build_row(scores: PracticeScores, metric: Metric) -> tuple[Cell, ...]:
    outcome, run_keys = scores.outcome, scores.run_keys
    picked, clean = _get_values(scores.picked, metric), _get_values(scores.clean, metric)
    inflation = [after - before for after, before in zip(picked, clean, strict=True)]
    name, protocol, test_set = identity_cells(outcome)
    return (
        text_cell(append_marks(name.text, _format_missing(scores))),
        protocol,
        test_set,
        text_cell(METRIC_NAMES[metric]),
        mean_std_cell(clean, run_keys, format_value="{:.2f}".format),
        mean_std_cell(picked, run_keys, format_value="{:.2f}".format),
        Cell(text=format_points(fmean(inflation)), value=fmean(inflation), run_keys=run_keys),
        mean_std_cell([fmean(_get_values(scores.guessers, metric))], run_keys, format_value="{:.2f}".format),
        *leakage_cells(outcome),
    )


def _get_values(scores: tuple[Scores, ...] | tuple[GuesserScores, ...], metric: Metric) -> list[float]:
    """Return a metric of each training, in %."""
    return [100 * getattr(training_scores, metric) for training_scores in scores]


def _format_missing(scores: PracticeScores) -> str:
    return f"{len(scores.clean)} of {len(scores.outcome.trainings)} seeds" if scores.missing_count else ""


def _build_record_notes(rows: list[PracticeScores]) -> Iterator[str]:
    """Yield notes on the trainings without a record, and on records that differ from the clean results."""
    for scores in rows:
        label = f"{scores.outcome.plain_name} under {scores.outcome.protocol}"
        if scores.missing_count:
            yield (
                f"{label}: {pluralize(scores.missing_count, 'finished training')} without a record of the "
                "epochs, left out here; the same command with --published-practice trains again for it."
            )
        if scores.changed_units:
            yield (
                f"{label}: the record comes from a second training, whose rounding differs. In the clean "
                f"epoch it predicts another class for {scores.changed_units} {scores.outcome.unit_name}, so "
                "the inflation includes this difference."
            )


def build_practice_summary(evaluation: StudyEvaluation) -> Summary:
    """Return a sentence for each protocol: what picking the epoch adds, and what a guesser reaches by it."""
    metric = evaluation.study.metric
    all_scores = (
        compute_practice_scores(outcome)
        for outcome in evaluation.outcomes
        if outcome.arm == evaluation.study.primary_arm
    )
    return Summary(
        study_name=evaluation.study.name,
        findings=tuple(_describe_practice(scores, metric) for scores in all_scores if scores.clean),
    )


def _describe_practice(scores: PracticeScores, metric: Metric) -> Statement:
    clean, picked, guesser = (
        fmean(_get_values(values, metric)) for values in (scores.clean, scores.picked, scores.guessers)
    )
    outcome, name = scores.outcome, METRIC_NAMES[metric]
    picking_unit = _PICKING_UNITS.get(outcome.protocol, "on the test set")
    meaning = (
        "The picked score is no higher than the guesser's, so it shows no skill."
        if picked <= guesser
        else "By the rule alone, the guesser reaches at least the clean score of the network."
        if clean <= guesser
        else "Only what lies above the guesser can be skill."
    )
    return Statement(
        text=f"Leaky: picking the epoch {picking_unit} changes the {name} of {outcome.plain_name} under "
        f"{outcome.protocol} from {clean:.2f} % to {picked:.2f} % ({format_points(picked - clean)} points). "
        f"A guesser that knows only the class shares of training reaches {guesser:.2f} % by the same rule "
        f"with as many epochs. {meaning}",
        run_keys=scores.run_keys,
    )
