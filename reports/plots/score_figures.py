"""Figures of a study's scores: by class, by subject, and against the networks' multiply-adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import nan
from statistics import fmean

from reports.intervals import estimate_bounds
from reports.outcomes import Outcome, StudyEvaluation
from reports.paper_reference import dataset_title
from reports.plots.heat_map import HeatMap, draw_heat_maps
from reports.plots.pareto_plot import CostPoint, draw_pareto_plot
from reports.plots.study_figures import describe_outcome_leakage, format_figure_path, format_protocol
from reports.table import ReportFigure
from studies.subject_accuracy import compute_subject_accuracies

HeatMapRow = Mapping[str, float]
"""Percentages of an arm by column."""


def build_class_heat_map(evaluation: StudyEvaluation) -> ReportFigure | None:
    """Return the recall of each arm by class, a map per protocol; None if no training has finished."""

    def compute_row(outcome: Outcome) -> HeatMapRow:
        recalls: dict[str, list[float]] = {name: [] for name in evaluation.classes}
        for training in outcome.trainings:
            for index, name in enumerate(evaluation.classes):
                if index not in training.scores.absent_classes:
                    recalls[name].append(100 * training.scores.per_class[index].recall)
        return {name: fmean(values) if values else nan for name, values in recalls.items()}

    return _build_heat_map(
        evaluation,
        compute_row,
        figure_name="recall",
        title="Recall by class",
        note="Numbers: recall in %, mean over the trainings. Gray: the class is not in the test set.",
    )


def build_subject_heat_map(evaluation: StudyEvaluation) -> ReportFigure | None:
    """Return the accuracy of each arm by subject, a map per protocol; None without subjects."""

    def compute_row(outcome: Outcome) -> HeatMapRow:
        accuracies = compute_subject_accuracies([training.units for training in outcome.trainings])
        return {subject.subject: 100 * subject.accuracy for subject in accuracies}

    return _build_heat_map(
        evaluation,
        compute_row,
        figure_name="subjects",
        title="Accuracy by subject",
        note="Numbers: accuracy in % on the subject's test units, mean over the trainings that tested the "
        "subject.",
    )


def _build_heat_map(
    evaluation: StudyEvaluation,
    compute_row: Callable[[Outcome], HeatMapRow],
    *,
    figure_name: str,
    title: str,
    note: str,
) -> ReportFigure | None:
    maps, outcomes, notes = [], list[Outcome](), []
    for protocol in evaluation.study.protocols:
        finished = [outcome for outcome in evaluation.select_protocol(protocol) if outcome.trainings]
        rows = [compute_row(outcome) for outcome in finished]
        # Classes keep their order; subjects are sorted by name within each row.
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
        if columns:
            maps.append(
                HeatMap(
                    title=f"under {format_protocol(finished)}",
                    rows=tuple(outcome.arm.name for outcome in finished),
                    columns=columns,
                    percentages=tuple(tuple(row.get(name, nan) for name in columns) for row in rows),
                )
            )
            outcomes += finished
            notes.append(describe_outcome_leakage(finished))
    if not maps:
        return None
    names = ", ".join(dict.fromkeys(outcome.arm.name for outcome in outcomes))
    return ReportFigure(
        id=f"{figure_name}-{evaluation.study.name}",
        title=f"{title} on {dataset_title(evaluation.study.dataset.name)}",
        file=format_figure_path(evaluation.study.name, figure_name),
        alt_text=f"{title} of {names}",
        run_keys=tuple(key for outcome in outcomes for key in outcome.run_keys),
        notes=(note, *notes),
        draw=partial(draw_heat_maps, maps),
    )


def build_pareto_figure(evaluation: StudyEvaluation) -> ReportFigure | None:
    """Return UAR against multiply-adds, a panel per protocol; None if no training has finished."""
    costs = {
        outcome.arm.name: float(outcome.first_run.cost.multiply_adds)
        for outcome in evaluation.outcomes
        if outcome.first_run
    }
    return build_cost_figure(
        evaluation, costs, figure_name="pareto", title="UAR against multiply-adds", cost_label="multiply-adds"
    )


def build_cost_figure(
    evaluation: StudyEvaluation,
    costs: Mapping[str, float],
    *,
    figure_name: str,
    title: str,
    cost_label: str,
    cost_keys: tuple[str, ...] = (),
) -> ReportFigure | None:
    """Return UAR against the costs of the arms, by name; None if no arm with a cost has finished.

    `cost_keys` are the keys of the runs that measured the costs, beside those of the arms.
    """
    panels, outcomes, notes = [], list[Outcome](), []
    for protocol in evaluation.study.protocols:
        finished = [
            outcome
            for outcome in evaluation.select_protocol(protocol)
            if outcome.trainings and outcome.arm.name in costs
        ]
        if finished:
            points = [_build_point(outcome, costs[outcome.arm.name]) for outcome in finished]
            panels.append((f"under {format_protocol(finished)}", points))
            outcomes += finished
            notes.append(describe_outcome_leakage(finished))
    if not panels:
        return None
    names = ", ".join(dict.fromkeys(outcome.arm.name for outcome in outcomes))
    return ReportFigure(
        id=f"{figure_name}-{evaluation.study.name}",
        title=f"{title} on {dataset_title(evaluation.study.dataset.name)}",
        file=format_figure_path(evaluation.study.name, figure_name),
        alt_text=f"{title} of {names}",
        run_keys=tuple(dict.fromkeys((*(key for o in outcomes for key in o.run_keys), *cost_keys))),
        notes=(
            "Points: mean over the trainings. Vertical lines: 95 % interval of the arm, where there is one. "
            "Gray: the Pareto front, the networks that no other network beats in both.",
            *notes,
        ),
        draw=partial(draw_pareto_plot, panels, cost_label=cost_label, score_label="UAR, %"),
        is_narrow=len(panels) == 1,
    )


def _build_point(outcome: Outcome, cost: float) -> CostPoint:
    bounds = estimate_bounds(outcome, "uar")
    return CostPoint(
        name=outcome.arm.name,
        cost=cost,
        score=100 * fmean(training.scores.uar for training in outcome.trainings),
        bounds=(100 * bounds[0], 100 * bounds[1]) if bounds else None,
    )
