"""The two pictures of one run, for its page in the tracking UI.

A study draws them after every cell. Making and laying out a figure takes longer than drawing it, so each is
made once and filled again; the same run gives the same bytes whatever was drawn before it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import (
    BLUE,
    GREEN,
    ORANGE,
    SMALL,
    WIDTH,
    Quantity,
    framed,
    name_of,
    save,
    series,
    shade,
    style,
    title,
)
from studies.metrics import confusion, headline
from studies.results import RunResult

RUN_DPI = 100
MATRIX_SIDE, CURVES_HEIGHT = 4.5, 2.7
"""In inches."""


def run_matrix(result: RunResult, path: Path) -> None:
    """The confusion matrix in the protocol's unit, shaded by the share of the true class."""
    figure, axes = _matrix_sheet(result.data.classes)
    units = headline(result.predictions, result.spec.protocol)
    shade(axes, np.array(confusion(units, len(result.data.classes))))
    title(axes, name_of(result))
    save(figure, path)


def run_curves(result: RunResult, path: Path) -> None:
    """Accuracy and loss by epoch: training dashed, validation solid, the chosen epoch dotted."""
    figure, panels = _curves_sheet()
    for axes, quantity in zip(panels, get_args(Quantity), strict=True):
        train, validation, chosen = axes.get_lines()
        for line, part in ((train, "train"), (validation, "validation")):
            line.set_data(*series(result, f"{part}_{quantity}"))
            # A line of one epoch is a point.
            line.set_marker("" if result.history[1:] else "o")
        chosen.set_xdata([result.best_epoch, result.best_epoch])
        style(axes, quantity, longest=len(result.history))
        if quantity == "loss":
            axes.relim()
            axes.autoscale(axis="y")
        title(axes, name_of(result))
    save(figure, path)


@lru_cache(maxsize=4)
def _matrix_sheet(classes: tuple[str, ...]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(MATRIX_SIDE, MATRIX_SIDE), dpi=RUN_DPI)
    axes = figure.subplots()
    figure.subplots_adjust(left=0.18, bottom=0.16, right=0.98, top=0.94)
    framed(axes, classes)
    _placed(axes, x=-0.16, y=-0.17)
    return figure, axes


@lru_cache(maxsize=1)
def _curves_sheet() -> tuple[Figure, tuple[Axes, ...]]:
    figure = Figure(figsize=(WIDTH, CURVES_HEIGHT), dpi=RUN_DPI)
    panels = tuple(figure.subplots(1, 2))
    figure.subplots_adjust(left=0.07, bottom=0.27, right=0.99, top=0.92, wspace=0.28)
    for axes in panels:
        axes.plot([1], [1], color=ORANGE, linestyle="--", label="training")
        axes.plot([1], [1], color=BLUE, markersize=3, label="validation")
        axes.axvline(1, color=GREEN, linestyle=":", linewidth=1, label="chosen epoch")
        _placed(axes, x=-0.14, y=-0.11)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="lower center", ncols=3, fontsize=SMALL, frameon=False
    )
    return figure, panels


def _placed(axes: Axes, *, x: float, y: float) -> None:
    """Labels that far below and beside the axes, in shares of them: else every tick is measured for it."""
    axes.xaxis.set_label_coords(0.5, x)
    axes.yaxis.set_label_coords(y, 0.5)
