"""Draw training curves: loss and accuracy by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import LogFormatter, MaxNLocator

from reports.plots.style import (
    BLUE,
    FONT_SIZE,
    GRAY,
    GREEN,
    ORANGE,
    CurveMetric,
    add_legend,
    format_network_name,
    hide_inner_labels,
    make_panel_grid,
    save_figure,
    set_panel_title,
)
from studies.results import RunResult

MAX_EPOCH_TICKS, ACCURACY_TICKS = 5, (0, 25, 50, 75, 100)
"""Ticks are few, because drawing a tick takes longer than drawing a curve."""

MIN_LOSS = 1e-6
"""Smallest loss drawn, since a log scale cannot show 0."""


def draw_curves(
    results: Sequence[RunResult], path: Path, *, metrics: Sequence[CurveMetric] = ("accuracy", "loss")
) -> None:
    """Draw a panel per run and metric: training dashed, validation solid, the best epoch dotted.

    Gray lines are the validation curves of the other runs. Panels of one metric share their limits.
    """
    panel_contents = [(result, metric) for result in results for metric in metrics]
    has_two_quantities = len(metrics) > 1
    columns = len(metrics) if has_two_quantities else 3 if len(panel_contents) <= 6 else 4
    figure, axes = make_panel_grid(
        len(panel_contents),
        columns=columns,
        height=2.6 if has_two_quantities else 1.6,
        is_shared=not has_two_quantities,
    )
    for panel, (result, metric) in zip(axes, panel_contents, strict=True):
        other_curves = [
            get_series(other_result, f"validation_{metric}")
            for other_result in results
            if other_result is not result
        ]
        lines = [list(zip(*curve, strict=True)) for curve in other_curves]
        panel.add_collection(LineCollection(lines, colors=GRAY, linewidths=0.5, alpha=0.6))
        # A line of one epoch is a point.
        marker = "o" if len(result.history) == 1 else ""
        train, validation = (
            get_series(result, f"{split_name}_{metric}") for split_name in ("train", "validation")
        )
        panel.plot(*train, color=ORANGE, linestyle="--", marker=marker, markersize=3, label="training")
        panel.plot(*validation, color=BLUE, marker=marker, markersize=3, label="validation")
        panel.axvline(result.best_epoch, color=GREEN, linestyle=":", linewidth=1, label="best epoch")
        style_curve_axes(panel, metric, max_epochs=max(len(result.history) for result in results))
        set_panel_title(panel, format_network_name(result))
    if not has_two_quantities:
        hide_inner_labels(axes)
    add_legend(figure, axes[0])
    _share_loss_limits(axes, panel_contents)
    save_figure(figure, path)


def get_series(result: RunResult, field: str) -> tuple[list[int], list[float]]:
    """Return the epoch numbers and the value of `field` at each: a loss of at least `MIN_LOSS`, or a %."""
    numbers = [epoch.number for epoch in result.history]
    if field.endswith("loss"):
        return numbers, [max(MIN_LOSS, getattr(epoch, field)) for epoch in result.history]
    return numbers, [100 * getattr(epoch, field) for epoch in result.history]


class _PlainLogFormatter(LogFormatter):
    """Format ticks of a log scale as plain numbers, where matplotlib labels the tick."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def style_curve_axes(axes: Axes, metric: CurveMetric, *, max_epochs: int) -> None:
    """Set scales, labels and grid of a curve panel; `max_epochs` is the length of the longest run."""
    axes.set_xlim(0.5, max_epochs + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(MAX_EPOCH_TICKS, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch", fontsize=FONT_SIZE)
    axes.set_ylabel("accuracy, %" if metric == "accuracy" else "loss (log scale)", fontsize=FONT_SIZE)
    if metric == "accuracy":
        axes.set_ylim(0, 102)
        axes.set_yticks(ACCURACY_TICKS)
    else:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_PlainLogFormatter())
        axes.yaxis.set_minor_formatter(_PlainLogFormatter())
    # "both", because a log scale labels its minor ticks within a decade.
    axes.tick_params(which="both", labelsize=FONT_SIZE - 1)
    axes.grid(alpha=0.3, linewidth=0.5)


def _share_loss_limits(axes: Sequence[Axes], panels: Sequence[tuple[RunResult, CurveMetric]]) -> None:
    loss_panels = [panel for panel, (_, metric) in zip(axes, panels, strict=True) if metric == "loss"]
    limits = [limit for panel in loss_panels for limit in panel.get_ylim()]
    for panel in loss_panels:
        # A margin on the log scale, so that no marker is cut at the edge.
        margin = (max(limits) / min(limits)) ** 0.08
        panel.set_ylim(min(limits) / margin, max(limits) * margin)
