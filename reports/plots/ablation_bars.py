"""Bar chart of a study (the paper's figure 18): accuracy and UAR of each arm, a bar per protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from reports.intervals import estimate_bounds
from reports.outcomes import Outcome
from reports.plots.style import (
    COLORS,
    COLUMN_WIDTH,
    FIGURE_WIDTH,
    FONT_SIZE,
    GRAY,
    LEGEND_LINE,
    add_strip,
    escape_mathtext,
    make_panel_grid,
    save_figure,
    wrap_name,
)
from studies.spec import Metric

BAR_HEIGHT = 0.14
"""Height of a bar, in inches."""

MAX_NARROW_ARMS = 8
"""Maximum number of arms in a figure as wide as a column, whose panels are one below the other."""

NAME_LENGTH, NAME_WIDTH = 24, 1.45
"""Maximum letters of a name on one line, and the width of the names, in inches."""

METRIC_LABELS: dict[Metric, str] = {"accuracy": "accuracy, %", "uar": "UAR, %"}


def draw_ablation_bars(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw a panel for accuracy and one for UAR, with a group of bars per arm and a bar per protocol.

    A whisker is the 95 % interval of `reports.intervals`. A bar without an interval is not filled. A dot is a
    training, if there are several. A bar is hatched if any training of the network collapsed. An outcome
    without a finished training has no bar.
    """
    protocols = list(dict.fromkeys(outcome.protocol for outcome in outcomes))
    arm_count = len(dict.fromkeys(outcome.arm.name for outcome in outcomes))
    group_height = max(0.3, (len(protocols) + 0.6) * BAR_HEIGHT)
    is_narrow = arm_count <= MAX_NARROW_ARMS
    figure, panels = make_panel_grid(
        2,
        columns=1 if is_narrow else 2,
        height=0.45 + arm_count * group_height,
        left=NAME_WIDTH,
        bottom=0.35,
        top=0.1,
        figure_width=COLUMN_WIDTH if is_narrow else FIGURE_WIDTH,
    )
    if not is_narrow:  # the names stand at the left panel only
        figure.subplots_adjust(wspace=0.08)
        panels[1].tick_params(labelleft=False)
    for panel, metric in zip(panels, METRIC_LABELS, strict=True):
        _draw_panel(panel, outcomes, metric=metric, bar_height=BAR_HEIGHT / group_height)
    handles = [Patch(facecolor=COLORS[index], label=protocol) for index, protocol in enumerate(protocols)]
    handles.append(Patch(facecolor="white", edgecolor=GRAY, label="no interval"))
    handles.append(Patch(facecolor="white", edgecolor=GRAY, hatch="//////", label="collapsed"))
    columns = 4 if len(handles) <= 4 else 3
    add_strip(figure, LEGEND_LINE * (1 - (-len(handles) // columns)))
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), fontsize=FONT_SIZE, frameon=False)
    save_figure(figure, path)


def _draw_panel(axes: Axes, outcomes: Sequence[Outcome], *, metric: Metric, bar_height: float) -> None:
    arms = list(dict.fromkeys(outcome.arm.name for outcome in outcomes))
    protocols = list(dict.fromkeys(outcome.protocol for outcome in outcomes))
    for outcome in outcomes:
        if outcome.trainings:
            index = protocols.index(outcome.protocol)
            y = arms.index(outcome.arm.name) + bar_height * (index - (len(protocols) - 1) / 2)
            _draw_bar(axes, outcome, metric=metric, y=y, height=0.9 * bar_height, color=COLORS[index])
    names = [wrap_name(escape_mathtext(arm), NAME_LENGTH) for arm in arms]
    axes.set_yticks(range(len(arms)), names, fontsize=FONT_SIZE - 1)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set_xlim(0, 116)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel(METRIC_LABELS[metric], fontsize=FONT_SIZE)
    axes.tick_params(axis="x", labelsize=FONT_SIZE - 1)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.3, linewidth=0.5)
    axes.set_axisbelow(True)


def _draw_bar(axes: Axes, outcome: Outcome, *, metric: Metric, y: float, height: float, color: str) -> None:
    percentages = [100 * getattr(training.scores, metric) for training in outcome.trainings]
    mean, bounds = fmean(percentages), estimate_bounds(outcome, metric)
    (bar,) = axes.barh(
        y, mean, height, facecolor=color if bounds else "white", edgecolor=color, linewidth=0.8
    )
    if outcome.collapsed_count:
        bar.set(hatch="//////", edgecolor="white" if bounds else color)
    end = mean
    if bounds:
        low, high = (100 * bound for bound in bounds)
        axes.plot([low, high], [y, y], color="black", linewidth=0.9)
        end = max(end, high)
    if len(percentages) > 1:
        end = max(end, *percentages)
        axes.plot(percentages, [y] * len(percentages), ".", color="black", markersize=2, alpha=0.6)
    axes.text(end + 1.5, y, f"{mean:.1f}", ha="left", va="center", fontsize=FONT_SIZE - 1.5)
