"""Scores against costs, such as multiply-adds or milliseconds, with the networks that no other one beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatterSciNotation, NullFormatter

from reports.plots.style import (
    COLORS,
    COLUMN_WIDTH,
    FIGURE_WIDTH,
    FONT_SIZE,
    GRAY,
    MARKERS,
    add_legend,
    escape_mathtext,
    make_panel_grid,
    save_figure,
    set_panel_title,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPoint:
    """A network's cost and its score in %, with the bounds of the score's interval if there is one."""

    name: str
    cost: float
    score: float
    bounds: tuple[float, float] | None = None


def select_pareto_front(points: Sequence[CostPoint]) -> tuple[CostPoint, ...]:
    """Return the points that no other point beats: cheaper and at least as good, or better and as cheap."""
    front: list[CostPoint] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.score)):
        if not front or point.score > front[-1].score:
            front.append(point)
    return tuple(front)


def draw_pareto_plot(
    panels: Sequence[tuple[str, Sequence[CostPoint]]], path: Path, *, cost_label: str, score_label: str
) -> None:
    """Draw a panel per (title, points), cost on a log scale; a gray line joins the Pareto front."""
    names = list(dict.fromkeys(point.name for _, points in panels for point in points))
    columns = min(2, len(panels))
    figure, axes_list = make_panel_grid(
        len(panels),
        columns=columns,
        height=2.5,
        figure_width=COLUMN_WIDTH if columns == 1 else FIGURE_WIDTH,
    )
    for axes, (title, points) in zip(axes_list, panels, strict=True):
        _draw_panel(axes, points, names=names)
        axes.set_xlabel(cost_label, fontsize=FONT_SIZE)
        axes.set_ylabel(score_label, fontsize=FONT_SIZE)
        set_panel_title(axes, escape_mathtext(title))
    add_legend(figure, max(axes_list, key=lambda axes: len(axes.get_legend_handles_labels()[1])))
    save_figure(figure, path)


def _draw_panel(axes: Axes, points: Sequence[CostPoint], *, names: Sequence[str]) -> None:
    front = select_pareto_front(points)
    axes.step([p.cost for p in front], [p.score for p in front], where="post", color=GRAY, linewidth=0.8)
    for point in points:
        index = names.index(point.name)
        color, marker = COLORS[index % len(COLORS)], MARKERS[index // len(COLORS) % len(MARKERS)]
        if point.bounds:
            axes.plot([point.cost] * 2, point.bounds, color=color, linewidth=0.8, alpha=0.7)
        label = escape_mathtext(point.name)
        axes.plot([point.cost], [point.score], marker, color=color, markersize=4, linestyle="", label=label)
    axes.set_xscale("log")
    axes.margins(x=0.15)  # the labels of the first and last ticks stay within the figure
    if max(p.cost for p in points) < 10 * min(p.cost for p in points):
        axes.xaxis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(1.2, 0.5)))
    else:
        axes.xaxis.set_minor_formatter(NullFormatter())
    ends = [end for point in points for end in (point.score, *(point.bounds or ()))]
    axes.set_ylim(max(0, min(ends) - 5), min(102, max(ends) + 5))
    axes.tick_params(which="both", labelsize=FONT_SIZE - 1)
    axes.grid(alpha=0.3, linewidth=0.5)
