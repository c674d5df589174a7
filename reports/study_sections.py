"""Sections of a report on one study: scores, classes, seeds, checks, published practice, costs, training."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from architectures.catalogue import PROPOSED
from reports.blocks import Block, Collapsible, Heading, Inconsistencies, Paragraph
from reports.outcomes import StudyEvaluation
from reports.paper_reference import find_paper_reference
from reports.plots.score_figures import build_class_heat_map, build_pareto_figure, build_subject_heat_map
from reports.plots.study_figures import (
    build_bar_figure,
    build_confusion_figure,
    build_curve_figure,
    build_reliability_figure,
)
from reports.table import ReportFigure, Table
from reports.tables.ablation import build_ablation_table, build_rung_table, cite_ablation_items
from reports.tables.calibration import build_calibration_table
from reports.tables.composite_parts import build_part_table
from reports.tables.differences import build_difference_table
from reports.tables.factorial_effects import build_effect_table
from reports.tables.gradients import build_gradient_figure, build_gradient_table
from reports.tables.latency import build_latency_figure, build_latency_table
from reports.tables.loss_comparison import build_loss_table
from reports.tables.network_scores import build_paper_table, build_score_table, build_size_table
from reports.tables.per_class import build_class_table
from reports.tables.published_practice import INTRODUCTION as PRACTICE_INTRODUCTION
from reports.tables.published_practice import TITLE as PRACTICE_TITLE
from reports.tables.published_practice import build_practice_summary, build_practice_table
from reports.tables.published_scores import build_published_table
from reports.tables.robustness import build_robustness_figure, build_robustness_table
from reports.tables.search_budget import build_budget_figure, build_budget_table
from reports.tables.stability import build_stability_table
from reports.tables.subjects import build_subject_table
from reports.tables.uncertainty import build_uncertainty_table
from studies.paper.published import ABLATION_FIGURES

Part = Callable[[StudyEvaluation], Iterator[Block]]


def build_study_section(
    evaluation: StudyEvaluation, *, heading: str, include_classes: bool = True
) -> Iterator[Block]:
    """Yield the tables and figures of a study; `include_classes` adds the proposed network's class table."""
    yield Heading(text=heading)
    is_comparison = evaluation.study.kind == "comparison"
    yield from _build_part(
        "Scores", _build_comparison_scores if is_comparison else _build_ablation_scores, evaluation
    )
    yield from _build_part("Published numbers", _build_published_numbers, evaluation)

    def build_classes(evaluation: StudyEvaluation) -> Iterator[Block]:
        return _build_classes(evaluation, include_table=include_classes)

    yield from _build_collapsible("Classes and subjects", build_classes, evaluation)
    yield from _build_collapsible(
        "Uncertainty, stability over seeds, and calibration", _build_seeds, evaluation
    )
    yield from _build_part("Checks", _build_checks, evaluation)
    yield from _build_part(PRACTICE_TITLE, _build_published_practice, evaluation)
    yield from _build_collapsible("Size and work", _build_costs, evaluation)
    yield from _build_collapsible("Training curves and searches", _build_training, evaluation)


def _build_part(title: str, part: Part, evaluation: StudyEvaluation) -> Iterator[Block]:
    """Yield the blocks of a part under its heading; nothing if it has none."""
    blocks = tuple(part(evaluation))
    if any(isinstance(block, Table | ReportFigure) for block in blocks):
        yield Heading(text=title, level=3)
        yield from blocks


def _build_collapsible(title: str, part: Part, evaluation: StudyEvaluation) -> Iterator[Block]:
    blocks = tuple(part(evaluation))
    if blocks:
        yield Collapsible(title=title, blocks=blocks)


def _build_comparison_scores(evaluation: StudyEvaluation) -> Iterator[Block]:
    """Yield the counterpart of the paper's Table 4 or 6, the differences, and the paper's numbers."""
    yield build_score_table(evaluation)
    yield from _skip_none(build_part_table(evaluation))
    yield from _skip_none(build_difference_table(evaluation))
    yield from _skip_none(build_paper_table(evaluation))
    paper_ref = find_paper_reference(evaluation)
    yield from _list_inconsistencies(evaluation, paper_ref.results.comparison_table if paper_ref else "")
    yield from _skip_none(build_bar_figure(evaluation))


def _build_ablation_scores(evaluation: StudyEvaluation) -> Iterator[Block]:
    yield build_ablation_table(evaluation)
    if cite_ablation_items(evaluation, "Figure 18"):
        yield from _list_inconsistencies(evaluation, *ABLATION_FIGURES)
    yield from _skip_none(build_part_table(evaluation))
    yield from _skip_none(build_difference_table(evaluation))
    yield from _skip_none(build_effect_table(evaluation))
    yield from _skip_none(build_bar_figure(evaluation))


def _build_published_numbers(evaluation: StudyEvaluation) -> Iterator[Block]:
    """Yield published numbers on the composite's clips, as far as the study is on them."""
    yield from _skip_none(build_published_table(evaluation))


def _build_classes(evaluation: StudyEvaluation, *, include_table: bool) -> Iterator[Block]:
    paper_ref = find_paper_reference(evaluation)
    if include_table and evaluation.select_arm(PROPOSED) and evaluation.classes:
        yield build_class_table(evaluation, PROPOSED)
        yield from _list_inconsistencies(evaluation, paper_ref.results.per_class_table if paper_ref else "")
    yield from _skip_none(build_class_heat_map(evaluation))
    yield from _skip_none(build_subject_table(evaluation))
    yield from _skip_none(build_subject_heat_map(evaluation))
    for protocol in evaluation.study.protocols:
        yield from _skip_none(build_confusion_figure(evaluation, protocol))


def _list_inconsistencies(evaluation: StudyEvaluation, *items: str) -> Iterator[Block]:
    """Yield the inconsistencies in these items of the paper if the study is on the paper's data."""
    paper_ref = find_paper_reference(evaluation)
    if paper_ref and paper_ref.is_same_data:
        yield Inconsistencies(items=items)


def _build_seeds(evaluation: StudyEvaluation) -> Iterator[Block]:
    yield from _skip_none(build_uncertainty_table(evaluation))
    yield from _skip_none(build_stability_table(evaluation))
    yield from _skip_none(build_calibration_table(evaluation))
    for protocol in evaluation.study.protocols:
        yield from _skip_none(build_reliability_figure(evaluation, protocol))


def _build_checks(evaluation: StudyEvaluation) -> Iterator[Block]:
    """Yield robustness, the loss comparison, gradients and latency, as far as the study measured them."""
    yield from _skip_none(build_robustness_table(evaluation))
    for protocol in evaluation.study.protocols:
        yield from _skip_none(build_robustness_figure(evaluation, protocol))
    yield from _skip_none(build_loss_table(evaluation))
    yield from _skip_none(build_gradient_table(evaluation))
    yield from _skip_none(build_gradient_figure(evaluation))
    yield from _skip_none(build_latency_table(evaluation))
    yield from _skip_none(build_latency_figure(evaluation))


def _build_published_practice(evaluation: StudyEvaluation) -> Iterator[Block]:
    """Yield what picking the epoch on each test subject adds, if runs have a record of their epochs."""
    table = build_practice_table(evaluation)
    if table:
        yield Paragraph(text=PRACTICE_INTRODUCTION, is_strong=True)
        yield build_practice_summary(evaluation)
        yield table


def _build_costs(evaluation: StudyEvaluation) -> Iterator[Block]:
    if evaluation.study.kind == "comparison":
        yield from _skip_none(build_size_table(evaluation))
    else:
        yield build_rung_table(evaluation)
    yield from _skip_none(build_pareto_figure(evaluation))


def _build_training(evaluation: StudyEvaluation) -> Iterator[Block]:
    yield from _skip_none(build_budget_table(evaluation))
    yield from _skip_none(build_budget_figure(evaluation))
    for protocol in evaluation.study.protocols:
        yield from _skip_none(build_curve_figure(evaluation, protocol, metric="accuracy"))
    for protocol in evaluation.study.protocols:
        yield from _skip_none(build_curve_figure(evaluation, protocol, metric="loss"))


def _skip_none(block: Table | ReportFigure | None) -> Iterator[Block]:
    if block:
        yield block
