"""Comparison of networks (the paper's Tables 4 and 6): scores, differences from the paper, and sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reports.formatting import NO_VALUE, format_points, text_cell
from reports.outcomes import Outcome, StudyEvaluation
from reports.paper_reference import (
    PaperReference,
    build_paper_difference_notes,
    dataset_title,
    find_paper_reference,
)
from reports.table import Cell, Table
from reports.tables.costs import build_named_cost_table
from reports.tables.score_columns import (
    IDENTITY_HEADER,
    LEAKAGE_HEADER,
    accuracy_cell,
    build_score_notes,
    build_short_notes,
    identity_cells,
    leakage_cells,
    score_cell,
)
from studies.metrics import Scores
from studies.paper.published import PublishedScores

METRIC_GETTERS: tuple[tuple[str, Callable[[Scores], float]], ...] = (
    ("accuracy", lambda scores: scores.accuracy),
    ("precision", lambda scores: scores.precision),
    ("recall", lambda scores: scores.recall),
    ("f1", lambda scores: scores.f1),
)
MACRO_AVERAGE_NOTE = (
    "Precision, recall and F1 are unweighted means over the classes, computed from pooled predictions. The "
    "literature calls this recall UAR and this F1 UF1."
)


def build_score_table(evaluation: StudyEvaluation) -> Table:
    """Build the table of scores of each network and control under each protocol, by unit and by frame."""
    outcomes = (*evaluation.outcomes, *evaluation.controls)
    has_frame_columns = evaluation.study.protocols != ("frame",)
    frame_header = ("Accuracy by frame", "F1 by frame") if has_frame_columns else ()
    paper_ref = find_paper_reference(evaluation)
    return Table(
        id=f"scores-{evaluation.study.name}",
        title=f"Networks on {dataset_title(evaluation.study.dataset.name)}, in %",
        header=(
            *IDENTITY_HEADER,
            "Accuracy",
            "Precision",
            "Recall (UAR)",
            "F1 (UF1)",
            *frame_header,
            *LEAKAGE_HEADER,
        ),
        rows=tuple(_build_score_row(outcome, has_frame_columns=has_frame_columns) for outcome in outcomes),
        notes=(
            MACRO_AVERAGE_NOTE,
            *build_score_notes(evaluation, outcomes),
            *build_paper_difference_notes(evaluation.study),
        ),
        paper_items=paper_ref.cite_items(paper_ref.results.comparison_table) if paper_ref else (),
    )


def _build_score_row(outcome: Outcome, *, has_frame_columns: bool) -> tuple[Cell, ...]:
    other_cells = [score_cell(outcome, metric) for _, metric in METRIC_GETTERS[1:]]
    frame_cells = [
        score_cell(outcome, metric, by_frame=True)
        for name, metric in METRIC_GETTERS
        if name in ("accuracy", "f1")
    ]
    return (
        *identity_cells(outcome),
        accuracy_cell(outcome),
        *other_cells,
        *(frame_cells if has_frame_columns else ()),
        *leakage_cells(outcome),
    )


def build_paper_table(evaluation: StudyEvaluation) -> Table | None:
    """Build the table of the paper's scores, and our differences from them if the datasets are the same.

    Return None if the paper has no scores for the dataset or its stand-in.
    """
    paper_ref = find_paper_reference(evaluation)
    if paper_ref is None:
        return None
    metric_names = ("accuracy", "precision", "recall", "F1")
    paper_header = tuple(f"{paper_ref.column_title}: {metric_name}" for metric_name in metric_names)
    difference_header = (
        tuple(f"Δ {metric_name}" for metric_name in metric_names) if paper_ref.is_same_data else ()
    )
    notes = (
        f"Paper: {paper_ref.results.comparison_table}, in %, by frame.",
        *(
            ("Δ: ours minus the paper's, in points; with several seeds, of the mean.",)
            if paper_ref.is_same_data
            else ()
        ),
        *paper_ref.notes,
        *build_short_notes(evaluation.outcomes),
        *build_paper_difference_notes(evaluation.study),
    )
    return Table(
        id=f"paper-{evaluation.study.name}",
        title=f"The paper's scores and ours on {dataset_title(evaluation.study.dataset.name)}",
        header=(*IDENTITY_HEADER[:2], "Ours: accuracy", *paper_header, *difference_header, *LEAKAGE_HEADER),
        rows=tuple(_build_paper_row(outcome, paper_ref) for outcome in evaluation.outcomes),
        notes=notes,
        paper_items=paper_ref.cite_items(paper_ref.results.comparison_table),
    )


def _build_paper_row(outcome: Outcome, paper_ref: PaperReference) -> tuple[Cell, ...]:
    published = paper_ref.results.scores.get(outcome.arm.name)
    differences = (
        [_build_difference_cell(outcome, published, metric=name) for name, _ in METRIC_GETTERS]
        if paper_ref.is_same_data
        else []
    )
    return (
        *identity_cells(outcome)[:2],
        accuracy_cell(outcome),
        *(_build_published_cell(published, name) for name, _ in METRIC_GETTERS),
        *differences,
        *leakage_cells(outcome),
    )


def _build_published_cell(published: PublishedScores | None, metric: str) -> Cell:
    if published is None:
        return text_cell(NO_VALUE)
    value = getattr(published, metric)
    return Cell(text=str(value), value=float(value))


def _build_difference_cell(outcome: Outcome, published: PublishedScores | None, *, metric: str) -> Cell:
    measured_cell = score_cell(outcome, dict(METRIC_GETTERS)[metric])
    if published is None or measured_cell.value is None:
        return text_cell(NO_VALUE)
    difference = measured_cell.value - float(getattr(published, metric))
    return Cell(text=format_points(difference), value=difference, run_keys=measured_cell.run_keys)


def build_size_table(evaluation: StudyEvaluation) -> Table | None:
    """Build the table of the size and cost of each network that has run; None if no network has."""
    rows = []
    for arm in evaluation.study.arms:
        run = next(
            (outcome.first_run for outcome in evaluation.select_arm(arm.name) if outcome.first_run), None
        )
        if run:
            rows.append((format_arm_name(evaluation, arm.name), arm, run.cost, (run.spec.key,)))
    if not rows:
        return None
    paper_ref = find_paper_reference(evaluation)
    sizes = {arm: scores.mib for arm, scores in paper_ref.results.scores.items()} if paper_ref else None
    image_size, classes = evaluation.study.dataset.image_size, len(evaluation.classes)
    title_suffix = f" at {image_size} px and {classes} classes"
    table = build_named_cost_table(rows, title_suffix=title_suffix, paper_sizes=sizes, num_classes=classes)
    paper_items = paper_ref.cite_items(paper_ref.results.comparison_table) if paper_ref else ()
    return replace(table, id=f"cost-{evaluation.study.name}", paper_items=paper_items)


def format_arm_name(evaluation: StudyEvaluation, arm: str) -> str:
    """Return the arm's name for a row over all protocols, with the protocols under which it collapsed."""
    outcomes = evaluation.select_arm(arm)
    collapsed_protocols = [outcome.protocol for outcome in outcomes if outcome.collapsed_count]
    marks = [outcomes[0].width_mark] if outcomes[0].width_mark else []
    if collapsed_protocols:
        marks.append(f"collapsed under {', '.join(collapsed_protocols)}")
    return f"{arm} ({', '.join(marks)})" if marks else arm
