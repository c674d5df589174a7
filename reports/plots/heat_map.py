"""Heat maps of percentages: networks by classes, or networks by subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.plots.style import DPI, FIGURE_WIDTH, FONT_SIZE, GAP, escape_mathtext, save_figure, wrap_name

NAME_LENGTH, NAME_WIDTH = 26, 1.75
"""Maximum letters of a row's name on one line, and the width of the names, in inches."""

COLUMN_LETTERS = 12
MAX_NUMBER_COLUMNS = 32
"""Maximum number of columns with a number in each cell."""

ROW_HEIGHT = 0.25
MISSING_COLOR = "#dddddd"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """Percentages in rows and columns, NaN where there is none, under a title."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    percentages: tuple[tuple[float, ...], ...]


def draw_heat_maps(maps: Sequence[HeatMap], path: Path) -> None:
    """Draw the maps one below the other; darker is higher, and gray has no value."""
    label_heights = [
        0.12 + 0.055 * max(len(column[:COLUMN_LETTERS]) for column in heat_map.columns) for heat_map in maps
    ]
    heights = [
        0.3 + ROW_HEIGHT * len(heat_map.rows) + label_height
        for heat_map, label_height in zip(maps, label_heights, strict=True)
    ]
    figure = Figure(figsize=(FIGURE_WIDTH, sum(heights)), dpi=DPI)
    bottom = sum(heights)
    for heat_map, height, label_height in zip(maps, heights, label_heights, strict=True):
        bottom -= height
        axes = figure.add_axes(
            (
                NAME_WIDTH / FIGURE_WIDTH,
                (bottom + label_height) / sum(heights),
                1 - (NAME_WIDTH + GAP) / FIGURE_WIDTH,
                ROW_HEIGHT * len(heat_map.rows) / sum(heights),
            )
        )
        _draw_map(axes, heat_map)
    save_figure(figure, path)


def _draw_map(axes: Axes, heat_map: HeatMap) -> None:
    values = np.array(heat_map.percentages)
    color_map = colormaps["Blues"].with_extremes(bad=MISSING_COLOR)
    axes.imshow(np.ma.masked_invalid(values), cmap=color_map, vmin=0, vmax=100, aspect="auto")
    if len(heat_map.columns) <= MAX_NUMBER_COLUMNS:
        for (row, column), value in np.ndenumerate(values):
            if not isnan(value):
                color = "white" if value > 55 else "black"
                axes.text(
                    column, row, f"{value:.0f}", ha="center", va="center", fontsize=FONT_SIZE - 1, color=color
                )
    # Of many columns, every second, third, ... has a label.
    step = -(-len(heat_map.columns) // MAX_NUMBER_COLUMNS)
    names = [escape_mathtext(_shorten(name)) for name in heat_map.columns[::step]]
    axes.set_xticks(range(0, len(heat_map.columns), step), names, rotation=90, fontsize=FONT_SIZE - 1)
    rows = [wrap_name(escape_mathtext(name), NAME_LENGTH) for name in heat_map.rows]
    axes.set_yticks(range(len(rows)), rows, fontsize=FONT_SIZE - 1.2)
    axes.tick_params(length=0)
    axes.set_title(escape_mathtext(heat_map.title), fontsize=FONT_SIZE + 1, y=1.0)


def _shorten(name: str) -> str:
    return name if len(name) <= COLUMN_LETTERS else f"{name[: COLUMN_LETTERS - 1]}…"
