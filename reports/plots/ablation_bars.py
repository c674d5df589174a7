"""Bar chart of an ablation (the paper's figure 18): accuracy and UAR of each arm, a bar per protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from reports.outcomes import Outcome
from reports.plots.style import (
    BLUE,
    FONT_SIZE,
    GRAY,
    GREEN,
    LEGEND_LINE,
    ORANGE,
    add_strip,
    escape_mathtext,
    make_panel_grid,
    save_figure,
)

MAX_LEVEL_NAMES = 7
"""Maximum number of arm names drawn horizontally; more names are rotated."""

BAR_COLORS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00")


def draw_ablation_bars(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw a panel for accuracy and one for UAR, with a group of bars per arm and a bar per protocol.

    A whisker is one standard deviation over the trainings, if there are several. A bar is hatched if any
    training of the network collapsed. An outcome without a finished training has no bar.
    """
    names = [escape_mathtext(name) for name in dict.fromkeys(outcome.arm.name for outcome in outcomes)]
    is_level = len(names) <= MAX_LEVEL_NAMES
    # Level names have a line for each component, rotated ones need height for their letters.
    bottom = 0.25 + (
        0.13 * (1 + max(n.count("+") for n in names)) if is_level else 0.05 * max(map(len, names))
    )
    figure, panels = make_panel_grid(2, columns=1, height=2.1 + bottom, bottom=bottom, top=0.1)
    for panel, metric in zip(panels, ("accuracy", "uar"), strict=True):
        _draw_panel(panel, outcomes, metric=metric)
    protocols = list(dict.fromkeys(outcome.protocol for outcome in outcomes))
    legend_handles = [
        Patch(facecolor=BAR_COLORS[index % len(BAR_COLORS)], label=protocol)
        for index, protocol in enumerate(protocols)
    ]
    legend_handles.append(Patch(facecolor="white", edgecolor=GRAY, hatch="////", label="collapsed"))
    add_strip(figure, 2 * LEGEND_LINE)
    figure.legend(
        handles=legend_handles,
        loc="lower center",
        ncols=len(legend_handles),
        fontsize=FONT_SIZE,
        frameon=False,
    )
    save_figure(figure, path)


def _draw_panel(axes: Axes, outcomes: Sequence[Outcome], *, metric: str) -> None:
    arms = list(dict.fromkeys(outcome.arm.name for outcome in outcomes))
    protocols = list(dict.fromkeys(outcome.protocol for outcome in outcomes))
    width = 0.8 / len(protocols)
    for outcome in outcomes:
        if not outcome.trainings:
            continue
        percentages = [100 * getattr(training.scores, metric) for training in outcome.trainings]
        protocol_index = protocols.index(outcome.protocol)
        x = arms.index(outcome.arm.name) + width * (protocol_index - (len(protocols) - 1) / 2)
        height = fmean(percentages)
        (bar,) = axes.bar(x, height, width * 0.94, color=BAR_COLORS[protocol_index % len(BAR_COLORS)])
        if outcome.collapsed_count:
            bar.set(hatch="////", edgecolor="white")
        _draw_error_bar(axes, percentages, x=x, height=height)
        top = height + (stdev(percentages) if len(percentages) > 1 else 0)
        axes.text(x, top + 1, f"{height:.1f}", ha="center", va="bottom", fontsize=FONT_SIZE - 1)
    if len(arms) <= MAX_LEVEL_NAMES:
        axes.set_xticks(
            range(len(arms)), [escape_mathtext(arm).replace("+", "\n+") for arm in arms], fontsize=FONT_SIZE
        )
    else:
        axes.set_xticks(
            range(len(arms)),
            list(map(escape_mathtext, arms)),
            rotation=40,
            ha="right",
            fontsize=FONT_SIZE - 1,
        )
    axes.set_ylim(0, 112)
    axes.set_ylabel({"accuracy": "accuracy, %", "uar": "UAR, %"}[metric], fontsize=FONT_SIZE)
    axes.tick_params(axis="y", labelsize=FONT_SIZE - 1)
    axes.grid(axis="y", alpha=0.3, linewidth=0.5)
    axes.set_axisbelow(True)


def _draw_error_bar(axes: Axes, percentages: Sequence[float], *, x: float, height: float) -> None:
    if len(percentages) > 1:
        axes.errorbar(x, height, yerr=stdev(percentages), color="black", capsize=2, linewidth=0.8)
