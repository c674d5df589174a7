"""Scores by class of one network, with the rows of the paper's tables 3 and 5."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reports.formatting import NO_VALUE, count_cell, format_count, format_percent, mean_std_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation
from reports.paper_reference import (
    PaperReference,
    build_paper_difference_notes,
    dataset_title,
    find_paper_reference,
)
from reports.table import Cell, Table
from reports.tables.score_columns import LEAKAGE_HEADER, build_score_notes, leakage_cells
from studies.metrics import ClassCounts
from studies.paper.published import PublishedClass

CLASS_TABLE_HEADER = (
    "Class",
    "Protocol",
    "TP",
    "TN",
    "FP",
    "FN",
    "Accuracy",
    "Precision",
    "Recall",
    "F1",
    *LEAKAGE_HEADER,
)
_COUNT_GETTERS: tuple[Callable[[ClassCounts], float], ...] = (
    lambda counts: counts.tp,
    lambda counts: counts.tn,
    lambda counts: counts.fp,
    lambda counts: counts.fn,
)
_RATIO_GETTERS: tuple[Callable[[ClassCounts], float], ...] = (
    lambda counts: counts.accuracy,
    lambda counts: counts.precision,
    lambda counts: counts.recall,
    lambda counts: counts.f1,
)


def build_class_table(evaluation: StudyEvaluation, arm: str = "proposed") -> Table:
    """Return the one-vs-rest table of a network: for each class a row per protocol, and the paper's row."""
    paper_ref = find_paper_reference(evaluation)
    outcomes = evaluation.select_arm(arm)
    rows = []
    for class_index, class_name in enumerate(evaluation.classes):
        rows += [_build_row(outcome, class_index, class_name=class_name) for outcome in outcomes]
        published = _find_published_class(paper_ref, class_name) if arm == "proposed" else None
        if paper_ref and published:
            rows.append(_build_paper_row(published, paper_ref, name=class_name))
    names = ", ".join(sorted({outcome.marked_name for outcome in outcomes}))
    dataset = dataset_title(evaluation.study.dataset.name)
    return Table(
        id=f"classes-{evaluation.study.name}",
        title=f"Scores of {names} on {dataset} by class, one-vs-rest",
        header=CLASS_TABLE_HEADER,
        rows=tuple(rows),
        notes=(
            "TP, TN, FP and FN count frames under frame, clips under every other protocol.",
            *build_score_notes(evaluation, outcomes),
            *(_build_paper_notes(evaluation, paper_ref) if paper_ref else ()),
            *build_paper_difference_notes(evaluation.study),
        ),
        paper_items=paper_ref.cite_items(paper_ref.results.per_class_table) if paper_ref else (),
    )


def _find_published_class(paper_ref: PaperReference | None, name: str) -> PublishedClass | None:
    published_classes = paper_ref.results.per_class if paper_ref else ()
    return next((published for published in published_classes if published.label == name), None)


def _build_row(outcome: Outcome, class_index: int, *, class_name: str) -> tuple[Cell, ...]:
    classes = [training.scores.per_class[class_index] for training in outcome.trainings]
    count_cells = [
        mean_std_cell(
            [getter(class_counts) for class_counts in classes], outcome.run_keys, format_value=format_count
        )
        for getter in _COUNT_GETTERS
    ]
    present_classes = [
        training.scores.per_class[class_index]
        for training in outcome.trainings
        if class_index not in training.scores.absent_classes
    ]
    ratio_cells = [
        _build_ratio_cell([getter(class_counts) for class_counts in present_classes], outcome.run_keys)
        for getter in _RATIO_GETTERS
    ]
    if not outcome.trainings:
        ratio_cells[0] = text_cell(outcome.missing_status)
    return (
        text_cell(class_name),
        text_cell(outcome.protocol),
        *count_cells,
        *ratio_cells,
        *leakage_cells(outcome),
    )


def _build_ratio_cell(shares: Sequence[float], run_keys: tuple[str, ...]) -> Cell:
    cell = mean_std_cell(shares, run_keys, format_value=format_percent)
    return Cell(text=cell.text, value=None if cell.value is None else 100 * cell.value, run_keys=run_keys)


def _build_paper_row(published: PublishedClass, paper_ref: PaperReference, *, name: str) -> tuple[Cell, ...]:
    counts = (published.counts.tp, published.counts.tn, published.counts.fp, published.counts.fn)
    shares = (published.accuracy, published.precision, published.recall, published.f1)
    source = f'{paper_ref.column_title}, "{published.printed_label}"'
    return (
        text_cell(name),
        text_cell(source),
        *(count_cell(count) for count in counts),
        *(Cell(text=str(share), value=float(share)) for share in shares),
        text_cell(NO_VALUE),
        text_cell(NO_VALUE),
    )


def _build_paper_notes(evaluation: StudyEvaluation, paper_ref: PaperReference) -> tuple[str, ...]:
    unmatched_labels = [
        published.printed_label
        for published in paper_ref.results.per_class
        if published.label not in evaluation.classes
    ]
    unmatched_notes = (
        (f"Rows of the paper whose class this study does not have: {', '.join(unmatched_labels)}.",)
        if unmatched_labels
        else ()
    )
    return (
        "Each row of the paper is shown at the class whose counts it matches, with the printed name in "
        "quotation marks, because the printed names do not match the paper's Table 2. The paper splits by "
        "frame.",
        *paper_ref.notes,
        *(unmatched_notes if evaluation.classes else ()),
    )
