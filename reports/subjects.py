"""Accuracy by subject: for every network the median subject, the worst one, and the subjects below chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from datasets.text import shown
from reports.beside import title_of
from reports.columns import SEEN, WHO, accuracy, seen, short_notes, who
from reports.numbers import NOTHING, label, percent, whole
from reports.outcomes import Outcome, Outcomes
from reports.table import Cell, Table
from studies.subjects import SubjectSummary, majority_accuracy, summarize_subjects

COLUMNS = (
    "Subjects",
    "Median subject",
    "Worst subject",
    "Worst accuracy",
    "Units of worst",
    "Majority",
    "Below majority",
)


def subject_table(study: Outcomes) -> Table | None:
    """One row a network and protocol; None if no finished run names a subject."""
    summaries = [_summary(row) for row in study.rows]
    if not any(summaries):
        return None
    return Table(
        id=f"subjects-{study.study.name}",
        title=f"Accuracy by subject on {title_of(study.study.dataset.name)}, in %",
        header=(*WHO, "Accuracy", *COLUMNS, *SEEN),
        rows=tuple(
            (*who(row), accuracy(row), *_cells(row, summary), *seen(row))
            for row, summary in zip(study.rows, summaries, strict=True)
        ),
        notes=(
            "The accuracy on a subject is the mean over the seeds that tested the subject.",
            "Worst subject: of several with the lowest accuracy, the one with the most units.",
            "Units of worst: the number of test units of the worst subject, over all seeds.",
            "Majority: accuracy of predicting the most frequent training class for the whole test set.",
            "Below majority: share of the subjects on whom the network's accuracy is lower than that.",
            *_subject_notes(study.rows),
            *short_notes(study.rows),
        ),
    )


def _summary(row: Outcome) -> SubjectSummary | None:
    if not row.seeds:
        return None
    baseline = fmean(majority_accuracy(seed.runs) for seed in row.seeds)
    return summarize_subjects([seed.units for seed in row.seeds], baseline=baseline)


def _cells(row: Outcome, summary: SubjectSummary | None) -> tuple[Cell, ...]:
    if summary is None:
        return (label(NOTHING),) * len(COLUMNS)
    keys = row.keys
    median, worst, majority, below = (
        Cell(text=percent(share), value=100 * share, run_keys=keys)
        for share in (summary.median, summary.worst.accuracy, summary.baseline, summary.share_below)
    )
    return (
        whole(summary.subjects, keys),
        median,
        label(shown(summary.worst.subject)),
        worst,
        whole(summary.worst.units, keys),
        majority,
        below,
    )


def _subject_notes(rows: Sequence[Outcome]) -> Iterator[str]:
    for row in rows:
        units = [unit for seed in row.seeds for unit in seed.units]
        count = sum(not unit.subject for unit in units)
        if count:
            yield (
                f"{row.plain_name} under {row.protocol}: {count} of {len(units)} test {row.unit} name no "
                "subject and are left out."
            )
