"""Forest plot: differences with their intervals, beside the margin within which they do not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.plots.style import (
    BLUE,
    COLUMN_WIDTH,
    DPI,
    FONT_SIZE,
    GRAY,
    GREEN,
    LETTER_WIDTH,
    MIN_FONT_SIZE,
    ORANGE,
    escape_mathtext,
    save_figure,
)

ROW_HEIGHT = 0.3
"""Height of a row: a line of text above an interval, in inches."""

AXES_WIDTH = 0.92 * COLUMN_WIDTH
VERDICT_SIZE = FONT_SIZE - 1
VERDICT_COLORS = {"better": BLUE, "worse": ORANGE, "equivalent": GREEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """A difference in points, its interval if it has one, and its verdict ("" for none).

    With `is_conditional` the interval holds for the trained networks only.
    """

    label: str
    value: float
    low: float | None
    high: float | None
    verdict: str = ""
    is_conditional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestGroup:
    """Rows under one heading."""

    title: str
    rows: tuple[ForestRow, ...]


def draw_forest_plot(groups: Sequence[ForestGroup], path: Path, *, margin: float, label: str) -> None:
    """Draw the groups from top to bottom; `margin` is in points, and `label` names the horizontal axis.

    A row without an interval has a cross. An interval for the trained networks only is dashed.
    """
    line_count = sum(0.75 + len(group.rows) for group in groups)
    height = 0.55 + ROW_HEIGHT * line_count
    figure = Figure(figsize=(COLUMN_WIDTH, height), dpi=DPI)
    axes = figure.add_axes(
        (
            0.04,
            0.42 / height,
            AXES_WIDTH / COLUMN_WIDTH,
            1 - 0.5 / height,
        )  # margins of 0.42 inches below and 0.08 above
    )
    limit = _compute_limit([row for group in groups for row in group.rows], margin)
    y = 0.0
    for group in groups:
        axes.text(
            -limit, y + 0.35, escape_mathtext(group.title), fontsize=FONT_SIZE, weight="bold", va="center"
        )
        y += 0.75
        for row in group.rows:
            # Band and line stay in the lower half of the row, below the text.
            axes.broken_barh([(-margin, 2 * margin)], (y + 0.48, 0.48), color=GRAY, alpha=0.25, linewidth=0)
            axes.plot([0, 0], [y + 0.48, y + 0.96], color="black", linewidth=0.6)
            _draw_row(axes, row, y=y, limit=limit)
            y += 1
    axes.set_xlim(-limit, limit)
    axes.set_ylim(y, 0)
    axes.set_yticks([])
    axes.tick_params(axis="x", labelsize=FONT_SIZE - 1)
    axes.set_xlabel(f"{label}; gray: margin ±{margin:g} points", fontsize=FONT_SIZE)
    axes.spines[["left", "right", "top"]].set_visible(False)
    save_figure(figure, path)


def _compute_limit(rows: Sequence[ForestRow], margin: float) -> float:
    """Return half of the width of the axis, in points: all rows and the margin fit."""
    ends = [abs(end) for row in rows for end in (row.value, row.low, row.high) if end is not None]
    return max(1.2 * margin, 1.08 * max(ends, default=0.0), 1.0)


def _fit_font_size(name: str, verdict: str) -> float:
    """Return the font size at which a name fits the line that it shares with a verdict."""
    width = 72 * AXES_WIDTH - LETTER_WIDTH * VERDICT_SIZE * (len(verdict) + 1)
    return max(MIN_FONT_SIZE - 1, min(FONT_SIZE - 1, width / (LETTER_WIDTH * len(name))))


def _draw_row(axes: Axes, row: ForestRow, *, y: float, limit: float) -> None:
    color = VERDICT_COLORS.get(row.verdict, "black")
    name = escape_mathtext(row.label)
    axes.text(-limit, y + 0.25, name, fontsize=_fit_font_size(name, row.verdict), va="center")
    axes.text(limit, y + 0.25, row.verdict, fontsize=VERDICT_SIZE, va="center", ha="right", color=color)
    if row.low is None or row.high is None:
        axes.plot([row.value], [y + 0.72], marker="x", color=color, markersize=4)
        return
    axes.plot(
        [row.low, row.high],
        [y + 0.72, y + 0.72],
        color=color,
        linewidth=1.4,
        linestyle="--" if row.is_conditional else "-",
    )
    axes.plot([row.value], [y + 0.72], marker="s", color=color, markersize=3.5)
