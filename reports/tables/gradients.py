"""The share of the gradient that reaches the first block during training, with and without skip connections.

The gradient ratio of an epoch is the first block's gradient norm divided by the last block's. It is small if
gradients vanish on the way (Glorot and Bengio 2010, proceedings.mlr.press/v9/glorot10a). Ratios are averaged
as logarithms, so that the mean of 0.1 and 10 is 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import exp, log
from pathlib import Path
from statistics import fmean

from matplotlib.ticker import LogFormatter, MaxNLocator

from reports.check_runs import find_matched_pairs
from reports.formatting import NO_VALUE, count_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation
from reports.plots.study_figures import format_figure_path
from reports.plots.style import (
    COLORS,
    COLUMN_WIDTH,
    FIGURE_WIDTH,
    FONT_SIZE,
    add_legend,
    escape_mathtext,
    make_panel_grid,
    save_figure,
)
from reports.table import Cell, ReportFigure, Table
from studies.results import RunResult

SKIP_COMPONENT = "residual"


def compute_gradient_ratio(run: RunResult) -> float | None:
    """Return the geometric mean of a run's gradient ratios over its epochs, or None if it has none."""
    log_ratios = [log(epoch.gradient_ratio) for epoch in run.history if epoch.gradient_ratio]
    return exp(fmean(log_ratios)) if log_ratios else None


def _select_outcomes(evaluation: StudyEvaluation) -> list[Outcome]:
    """Return the outcomes with gradient ratios in pairs that differ only in skips, in the study's order."""
    pairs = [
        pair
        for protocol in evaluation.study.protocols
        for pair in find_matched_pairs(evaluation.select_protocol(protocol), SKIP_COMPONENT)
    ]
    paired_outcomes = [outcome for pair in pairs for outcome in pair]
    return [
        outcome
        for outcome in evaluation.outcomes
        if outcome in paired_outcomes and any(map(compute_gradient_ratio, outcome.runs))
    ]


def build_gradient_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table of the ratios at the first, the last and over all epochs.

    None if no measured arms differ only in the skip connections.
    """
    outcomes = _select_outcomes(evaluation)
    if not outcomes:
        return None
    return Table(
        id=f"gradients-{evaluation.study.name}",
        title="Gradient norm of the first block over that of the last, with and without skips",
        header=("Network", "Protocol", "Skips", "Runs", "First epoch", "Last epoch", "All epochs"),
        rows=tuple(map(_build_row, outcomes)),
        notes=(
            "Ratios are averaged as logarithms, over the epochs of a run and then over the runs. Below 1, "
            "the gradient is smaller in the first block than in the last.",
        ),
    )


def _build_row(outcome: Outcome) -> tuple[Cell, ...]:
    runs = [run for run in outcome.runs if compute_gradient_ratio(run)]
    first, last = (
        [run.history[epoch_index].gradient_ratio for run in runs if run.history[epoch_index].gradient_ratio]
        for epoch_index in (0, -1)
    )
    return (
        text_cell(outcome.marked_name),
        text_cell(outcome.protocol),
        text_cell("yes" if outcome.arm.block.residual else "no"),
        count_cell(len(runs), outcome.run_keys),
        *(
            _build_mean_cell([value for value in values if value], outcome.run_keys)
            for values in (first, last, map(compute_gradient_ratio, runs))
        ),
    )


def _build_mean_cell(values: Sequence[float], run_keys: tuple[str, ...]) -> Cell:
    if not values:
        return text_cell(NO_VALUE)
    mean = exp(fmean(map(log, values)))
    return Cell(text=f"{mean:.3g}", value=mean, run_keys=run_keys)


def build_gradient_figure(evaluation: StudyEvaluation) -> ReportFigure | None:
    """Return the ratio by epoch, with a panel per protocol; None if no measured arms differ only in skips."""
    outcomes = _select_outcomes(evaluation)
    if not outcomes:
        return None
    names = ", ".join(dict.fromkeys(outcome.arm.name for outcome in outcomes))
    return ReportFigure(
        id=f"gradients-{evaluation.study.name}-curve",
        title="Gradient norm of the first block over that of the last, by epoch",
        file=format_figure_path(evaluation.study.name, "gradients"),
        alt_text=f"Gradient norm ratio by epoch of {names}",
        run_keys=tuple(key for outcome in outcomes for key in outcome.run_keys),
        notes=(
            "Solid and dots: with skips. Dashed and crosses: without. Two networks of "
            "one color differ only in skips. Geometric mean over the runs that reached the epoch.",
        ),
        draw=partial(_draw_ratios, outcomes),
    )


def _draw_ratios(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw a panel per protocol; arms that differ only in skips share a color, and dashes mean no skips."""
    protocols = list(dict.fromkeys(outcome.protocol for outcome in outcomes))
    colors = {
        outcome.arm.name: COLORS[index % len(COLORS)]
        for protocol in protocols
        for index, pair in enumerate(
            find_matched_pairs([o for o in outcomes if o.protocol == protocol], SKIP_COMPONENT)
        )
        for outcome in pair
    }
    columns = min(2, len(protocols))
    figure, panels = make_panel_grid(
        len(protocols),
        columns=columns,
        height=2.6,
        figure_width=COLUMN_WIDTH if columns == 1 else FIGURE_WIDTH,
    )
    for panel, protocol in zip(panels, protocols, strict=True):
        for outcome in outcomes:
            if outcome.protocol == protocol:
                epochs, means = _average_by_epoch(outcome.runs)
                panel.plot(
                    epochs,
                    means,
                    color=colors[outcome.arm.name],
                    linestyle="-" if outcome.arm.block.residual else "--",
                    marker="o" if outcome.arm.block.residual else "x",
                    markersize=3,
                    linewidth=1,
                    label=escape_mathtext(outcome.arm.name),
                )
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(LogFormatter())
        panel.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        panel.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
        panel.axhline(1.0, color="black", linewidth=0.5)
        panel.set_title(protocol, fontsize=FONT_SIZE + 1)
        panel.set_xlabel("epoch", fontsize=FONT_SIZE)
        panel.set_ylabel("first block / last block", fontsize=FONT_SIZE)
        panel.tick_params(which="both", labelsize=FONT_SIZE - 1)
        panel.grid(alpha=0.3, linewidth=0.5)
    add_legend(figure, panels[0])
    save_figure(figure, path)


def _average_by_epoch(runs: Sequence[RunResult]) -> tuple[list[int], list[float]]:
    log_ratios_by_epoch: dict[int, list[float]] = {}
    for run in runs:
        for epoch in run.history:
            if epoch.gradient_ratio:
                log_ratios_by_epoch.setdefault(epoch.number, []).append(log(epoch.gradient_ratio))
    return sorted(log_ratios_by_epoch), [
        exp(fmean(log_ratios_by_epoch[number])) for number in sorted(log_ratios_by_epoch)
    ]
