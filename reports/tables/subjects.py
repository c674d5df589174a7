"""Accuracy by subject: the median and the worst subject, and the share below the majority baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from datasets.text import sanitize
from reports.formatting import NO_VALUE, count_cell, format_percent, text_cell
from reports.outcomes import Outcome, StudyEvaluation
from reports.paper_reference import dataset_title
from reports.table import Cell, Table
from reports.tables.score_columns import (
    IDENTITY_HEADER,
    LEAKAGE_HEADER,
    accuracy_cell,
    build_short_notes,
    identity_cells,
    leakage_cells,
)
from studies.subject_accuracy import SubjectSummary, compute_majority_accuracy, summarize_subjects

SUBJECT_HEADER = (
    "Subjects",
    "Median subject",
    "Worst subject",
    "Worst accuracy",
    "Units of worst",
    "Majority",
    "Below majority",
)


def build_subject_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table with a row per network and protocol; None if no finished run has subject labels."""
    summaries = [_summarize_subjects(outcome) for outcome in evaluation.outcomes]
    if not any(summaries):
        return None
    return Table(
        id=f"subjects-{evaluation.study.name}",
        title=f"Accuracy by subject on {dataset_title(evaluation.study.dataset.name)}, in %",
        header=(*IDENTITY_HEADER, "Accuracy", *SUBJECT_HEADER, *LEAKAGE_HEADER),
        rows=tuple(
            (
                *identity_cells(outcome),
                accuracy_cell(outcome),
                *_build_summary_cells(outcome, summary),
                *leakage_cells(outcome),
            )
            for outcome, summary in zip(evaluation.outcomes, summaries, strict=True)
        ),
        notes=(
            "The accuracy on a subject is the mean over the seeds that tested the subject.",
            "Worst subject: the subject with the lowest accuracy; of several, the one with the most units.",
            "Units of worst: the number of test units of the worst subject, over all seeds.",
            "Majority: accuracy of predicting the most frequent training class for every test unit.",
            "Below majority: share of the subjects on whom the network's accuracy is below the majority's.",
            *_build_subject_notes(evaluation.outcomes),
            *build_short_notes(evaluation.outcomes),
        ),
    )


def _summarize_subjects(outcome: Outcome) -> SubjectSummary | None:
    if not outcome.trainings:
        return None
    baseline = fmean(compute_majority_accuracy(training.runs) for training in outcome.trainings)
    return summarize_subjects([training.units for training in outcome.trainings], baseline=baseline)


def _build_summary_cells(outcome: Outcome, summary: SubjectSummary | None) -> tuple[Cell, ...]:
    if summary is None:
        return (text_cell(NO_VALUE),) * len(SUBJECT_HEADER)
    run_keys = outcome.run_keys
    median_cell, worst_cell, majority_cell, share_below_cell = (
        Cell(text=format_percent(share), value=100 * share, run_keys=run_keys)
        for share in (summary.median, summary.worst_subject.accuracy, summary.baseline, summary.share_below)
    )
    return (
        count_cell(summary.num_subjects, run_keys),
        median_cell,
        text_cell(sanitize(summary.worst_subject.subject)),
        worst_cell,
        count_cell(summary.worst_subject.units, run_keys),
        majority_cell,
        share_below_cell,
    )


def _build_subject_notes(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        units = [unit for training in outcome.trainings for unit in training.units]
        count = sum(not unit.subject for unit in units)
        if count:
            yield (
                f"{outcome.plain_name} under {outcome.protocol}: {count} of {len(units)} test "
                f"{outcome.unit_name} have no subject label and are left out."
            )
