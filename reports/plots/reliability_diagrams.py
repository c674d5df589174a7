"""Reliability diagrams: accuracy by confidence, with a panel per network (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from reports.outcomes import Outcome, append_marks
from reports.plots.style import (
    BLUE,
    FONT_SIZE,
    GRAY,
    add_legend,
    escape_mathtext,
    hide_inner_labels,
    make_panel_grid,
    save_figure,
    set_panel_title,
)
from studies.calibration import NUM_BINS, compute_reliability_bins

X_TICKS, Y_TICKS = (20, 50, 80), (0, 50, 100)
"""Ticks are few, because drawing a tick takes longer than drawing a line."""


def draw_reliability_diagrams(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draw a panel per network: accuracy by confidence bin, a dashed diagonal, and shares of units as bars.

    Each bin contains the test units of all finished trainings of the network.
    """
    panel_count = len(outcomes)
    figure, panels = make_panel_grid(
        panel_count,
        columns=3 if panel_count <= 6 else 4,
        height=2.3 if panel_count <= 6 else 1.8,
        is_shared=True,
    )
    for axes, outcome in zip(panels, outcomes, strict=True):
        _draw_panel(axes, outcome)
    hide_inner_labels(panels)
    add_legend(figure, panels[0])
    save_figure(figure, path)


def _draw_panel(axes: Axes, outcome: Outcome) -> None:
    units = [unit for training in outcome.trainings for unit in training.units]
    groups = compute_reliability_bins(units)
    confidence = [100 * group.confidence for group in groups]
    shares = [100 * group.units / len(units) for group in groups]
    axes.bar(confidence, shares, 60 / NUM_BINS, color=GRAY, alpha=0.5, label="share of units")
    axes.plot([0, 100], [0, 100], color="black", linestyle="--", linewidth=0.5, label="perfect calibration")
    accuracy = [100 * group.accuracy for group in groups]
    axes.plot(confidence, accuracy, color=BLUE, marker=".", linewidth=1, label="accuracy")
    axes.set_xlim(0, 102)
    axes.set_ylim(0, 102)
    axes.set_xticks(X_TICKS)
    axes.set_yticks(Y_TICKS)
    axes.set_xlabel("confidence, %", fontsize=FONT_SIZE)
    axes.set_ylabel("accuracy, %", fontsize=FONT_SIZE)
    axes.tick_params(labelsize=FONT_SIZE - 1)
    axes.grid(alpha=0.3, linewidth=0.5)
    set_panel_title(axes, escape_mathtext(append_marks(outcome.arm.name, outcome.collapse_mark)))
