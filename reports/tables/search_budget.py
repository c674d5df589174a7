"""Results of the hyperparameter searches: the same number of trials for each arm, on validation data only.

A best value means little without its budget. The curve of the best value so far shows which arms would gain
from more trials (Dodge et al. 2019, arXiv:1909.03004).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from datasets.text import pluralize
from reports.formatting import count_cell, format_percent, text_cell
from reports.outcomes import StudyEvaluation, get_training_id
from reports.plots.study_figures import format_figure_path
from reports.plots.style import (
    FONT_SIZE,
    add_legend,
    escape_mathtext,
    make_panel_grid,
    save_figure,
    select_line_style,
)
from reports.table import Cell, ReportFigure, Table
from studies.search import Search
from studies.spec import RunSpec


def _pair_runs_with_searches(evaluation: StudyEvaluation) -> tuple[tuple[RunSpec, Search], ...]:
    """Return every run of the study's arms with its search, in the study's order; () without searches."""
    runs = (spec for spec in evaluation.study.list_runs() if spec.variant == "none")
    return tuple(zip(runs, evaluation.study.searches, strict=False))


def build_budget_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table of each run's trials, initial and best value, and settings; None without searches."""
    rows = [_build_row(spec, search) for spec, search in _pair_runs_with_searches(evaluation)]
    if not rows:
        return None
    return Table(
        id=f"budget-{evaluation.study.name}",
        title="Hyperparameter searches: the same number of trials for each run, on its validation split only",
        header=(
            "Network",
            "Protocol",
            "Split",
            "Seed",
            "Fold",
            "Trials",
            "Stopped early",
            "Initial, %",
            "Best, %",
            "Learning rate",
            "γ",
            "Class weights",
        ),
        rows=tuple(rows),
        notes=(
            f"Each run has {pluralize(len(evaluation.study.searches[0].values), 'trial')} of at most "
            f"{pluralize(evaluation.study.training.epochs, 'epoch')}. Values are the best validation "
            "accuracy of a trial. The settings were selected by it, so it does not estimate the accuracy of "
            "the network.",
        ),
    )


def _build_row(spec: RunSpec, search: Search) -> tuple[Cell, ...]:
    run_keys = (spec.key,)
    first_cell, best_cell = (
        Cell(text=format_percent(value), value=100 * value, run_keys=run_keys)
        for value in (search.values[0], max(search.values))
    )
    return (
        *map(
            text_cell,
            (spec.architecture.name, spec.protocol, *map(str, get_training_id(spec)), str(spec.fold)),
        ),
        count_cell(len(search.values), run_keys),
        count_cell(sum(search.pruned), run_keys),
        first_cell,
        best_cell,
        Cell(text=f"{search.learning_rate:.2g}", value=search.learning_rate, run_keys=run_keys),
        Cell(text=f"{search.gamma:g}", value=search.gamma, run_keys=run_keys),
        text_cell(search.class_weights),
    )


def build_budget_figure(evaluation: StudyEvaluation) -> ReportFigure | None:
    """Return the best value so far by number of trials, with a panel per protocol and a line per network."""
    searches = _pair_runs_with_searches(evaluation)
    if not searches:
        return None
    names = ", ".join(arm.name for arm in evaluation.study.arms)
    return ReportFigure(
        id=f"budget-{evaluation.study.name}-curve",
        title="Best validation accuracy by number of trials",
        file=format_figure_path(evaluation.study.name, "budget"),
        alt_text=f"Best validation accuracy so far by trial of {names}",
        run_keys=tuple(spec.key for spec, _ in searches),
        notes=("Mean over seeds and folds. A line that still rises at the end would gain from more trials.",),
        draw=partial(_draw_searches, searches, evaluation.study.protocols),
    )


def _draw_searches(searches: Sequence[tuple[RunSpec, Search]], protocols: Sequence[str], path: Path) -> None:
    figure, panels = make_panel_grid(len(protocols), columns=3, height=2.6)
    for panel, protocol in zip(panels, protocols, strict=True):
        _draw_panel(panel, [(spec, search) for spec, search in searches if spec.protocol == protocol])
        panel.set_title(protocol, fontsize=FONT_SIZE + 1)
    add_legend(figure, panels[0])
    save_figure(figure, path)


def _draw_panel(axes: Axes, searches: Sequence[tuple[RunSpec, Search]]) -> None:
    names = dict.fromkeys(spec.architecture.name for spec, _ in searches)
    for index, name in enumerate(names):
        curves = [search.best_so_far for spec, search in searches if spec.architecture.name == name]
        percentages = [100 * fmean(values) for values in zip(*curves, strict=True)]
        axes.step(
            range(1, len(percentages) + 1),
            percentages,
            where="post",
            **select_line_style(index),
            markersize=3,
            label=escape_mathtext(name),
        )
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
    axes.set_xlabel("trials", fontsize=FONT_SIZE)
    axes.set_ylabel("best validation accuracy, %", fontsize=FONT_SIZE)
    axes.tick_params(labelsize=FONT_SIZE - 1)
    axes.grid(alpha=0.3, linewidth=0.5)
