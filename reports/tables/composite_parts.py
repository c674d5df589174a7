"""UF1 and UAR of a composite and of each of its data sets, as challenges print them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from datasets.megc2019.clip_names import split_part
from datasets.megc2019.constants import COMPOSITE, NAME, SETS
from datasets.text import pluralize
from reports.formatting import mean_std_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation, TrainingOutcome
from reports.paper_reference import dataset_title
from reports.table import Cell, Table
from reports.tables.score_columns import (
    IDENTITY_HEADER,
    LEAKAGE_HEADER,
    build_short_notes,
    identity_cells,
    leakage_cells,
)
from studies.metrics import Scores, compute_scores
from studies.results import Prediction

METRICS: Mapping[str, Callable[[Scores], float]] = {
    "UF1": lambda scores: scores.uf1,
    "UAR": lambda scores: scores.uar,
}
"""The metrics of the challenge."""


def build_part_table(evaluation: StudyEvaluation) -> Table | None:
    """Build the table of pooled UF1 and UAR, in full and by data set; None if `evaluation` has one set."""
    if evaluation.study.dataset.name != NAME:
        return None
    outcomes = (*evaluation.outcomes, *evaluation.controls)
    titles = [COMPOSITE.title, *(official.title for official in SETS.values())]
    return Table(
        id=f"parts-{evaluation.study.name}",
        title=f"UF1 and UAR on {dataset_title(NAME)}, in full and by data set, in %",
        header=(
            *IDENTITY_HEADER,
            *(f"{title} {metric}" for title in titles for metric in METRICS),
            *LEAKAGE_HEADER,
        ),
        rows=tuple(
            (*identity_cells(outcome), *_build_scope_cells(outcome), *leakage_cells(outcome))
            for outcome in outcomes
        ),
        notes=(
            "Each value is computed from the predictions of all folds together. A data set's value counts "
            "its clips alone; the networks are the same.",
            *_build_count_notes(outcomes),
            *build_short_notes(outcomes),
        ),
    )


def _build_scope_cells(outcome: Outcome) -> tuple[Cell, ...]:
    """Return UF1 and UAR in full and of each data set, or the status of the runs."""
    if not outcome.trainings:
        return (text_cell(outcome.missing_status),) * len(METRICS) * (1 + len(SETS))
    scores_by_scope: list[list[Scores]] = [[training.scores for training in outcome.trainings]]
    scores_by_scope += [[score_part(training, part) for training in outcome.trainings] for part in SETS]
    return tuple(
        build_percent_cell([metric(scores) for scores in scope], outcome.run_keys)
        for scope in scores_by_scope
        for metric in METRICS.values()
    )


def score_part(training: TrainingOutcome, part: str) -> Scores:
    """Return the scores of a training on a composite over the units of one part."""
    return compute_scores(select_part(training.units, part), len(training.runs[0].data.classes))


def select_part(units: Sequence[Prediction], part: str) -> list[Prediction]:
    """Return the units of one part of the composite."""
    return [unit for unit in units if split_part(NAME, unit.subject)[0] == part]


def build_percent_cell(shares: Sequence[float], run_keys: tuple[str, ...]) -> Cell:
    """Return a cell with the mean in % of one share per training, and with two or more the deviation."""
    cell = mean_std_cell(shares, run_keys)
    return Cell(
        text=cell.text, value=None if cell.value is None else 100 * cell.value, run_keys=cell.run_keys
    )


def _build_count_notes(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the number of test units and subjects of each data set, and those of the official list."""
    training = next((outcome.trainings[0] for outcome in outcomes if outcome.trainings), None)
    if training is None:
        return
    texts = []
    for part, official in SETS.items():
        units = select_part(training.units, part)
        subjects = len({unit.subject for unit in units})
        texts.append(
            f"{official.title} {len(units)} of {pluralize(subjects, 'subject')} (official: "
            f"{official.num_clips} of {official.num_subjects})"
        )
    yield f"Test clips: {', '.join(texts)}."
