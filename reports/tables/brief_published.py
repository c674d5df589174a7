"""A narrow table of published values and those of a study, for a terminal: one row per method."""

from __future__ import annotations

from collections.abc import Sequence

from reports.formatting import NO_VALUE, count_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation, append_marks
from reports.paper_reference import dataset_title
from reports.table import Cell, Table
from reports.tables.composite_parts import METRICS, build_percent_cell
from reports.tables.published_scores import (
    build_value_cell,
    describe_comparisons,
    list_published_scopes,
    score_scope,
    select_published_outcomes,
)
from studies.published.scores import (
    SELECTION_ON_TEST,
    PublishedScore,
    load_published_scores,
)

BRIEF_NOTE = (
    "A published value is the one computed from the method's public log, or the printed one without a log. "
    "The report has each printed value, the sets and the evidence."
)


def build_brief_published_tables(evaluation: StudyEvaluation) -> tuple[Table, ...]:
    """Return one table over all clips of the study; () if no published value fits its data."""
    scopes = list_published_scopes(evaluation)[:1]
    outcomes = [outcome for outcome in select_published_outcomes(evaluation) if outcome.trainings]
    if not scopes or not outcomes:
        return ()
    (scope,) = scopes
    published = [score for score in load_published_scores() if score.scope == scope]
    methods = dict.fromkeys(score.method for score in published)
    table = Table(
        id=f"brief-published-{evaluation.study.name}",
        title=f"Published numbers on {dataset_title(evaluation.study.dataset.name)}",
        header=("Method", "Clips", *(f"{metric}, %" for metric in METRICS), "Status"),
        rows=(
            *(_build_published_row([s for s in published if s.method == method]) for method in methods),
            *(_build_own_row(outcome, scope) for outcome in outcomes),
        ),
        notes=(*describe_comparisons(evaluation, outcomes, scopes), BRIEF_NOTE),
    )
    return (table,)


def _build_published_row(scores: Sequence[PublishedScore]) -> tuple[Cell, ...]:
    """Return the row of a method: its values of one scope, and every status that they have."""
    by_metric = {score.metric: score for score in scores}
    values = (_build_metric_cell(by_metric.get(metric)) for metric in METRICS)
    statuses = dict.fromkeys(score.status for score in scores)
    if any(score.selection_rule == SELECTION_ON_TEST for score in scores):
        statuses["selected on test"] = None
    return (
        text_cell(scores[0].method),
        count_cell(scores[0].clips or 0),
        *values,
        text_cell(", ".join(statuses)),
    )


def _build_metric_cell(score: PublishedScore | None) -> Cell:
    if score is None:
        return text_cell(NO_VALUE)
    return build_value_cell(score.printed if score.recomputed is None else score.recomputed)


def _build_own_row(outcome: Outcome, scope: str) -> tuple[Cell, ...]:
    scores = [score_scope(outcome, training, scope) for training in outcome.trainings]
    return (
        text_cell(append_marks(outcome.arm.name, outcome.protocol, outcome.collapse_mark)),
        count_cell(scores[0].num_samples, outcome.run_keys),
        *(
            build_percent_cell([metric(score) for score in scores], outcome.run_keys)
            for metric in METRICS.values()
        ),
        text_cell("this study"),
    )
