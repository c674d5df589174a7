"""Draw confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from reports.plots.style import (
    FIGURE_WIDTH,
    FONT_SIZE,
    GAP,
    escape_mathtext,
    format_network_name,
    make_panel_grid,
    save_figure,
    set_panel_title,
)
from studies.metrics import compute_confusion_matrix, to_evaluation_unit
from studies.results import RunResult

MAX_SIDE = 2.2
"""Maximum side of a matrix, in inches."""


def draw_confusion_matrices(results: Sequence[RunResult], path: Path) -> None:
    """Draw a panel per run: counts in the protocol's unit, shaded by the share of the true class."""
    columns = min(3 if len(results) <= 9 else 4, len(results))
    left, top = 0.8, 0.36
    side = (FIGURE_WIDTH - left) / columns - GAP
    figure, panels = make_panel_grid(
        len(results),
        columns=columns,
        height=min(side, MAX_SIDE) + top,
        left=left,
        bottom=0.7,
        top=top,
        is_shared=True,
    )
    for index, (panel, result) in enumerate(zip(panels, results, strict=True)):
        matrix = compute_confusion_matrix(
            to_evaluation_unit(result.predictions, result.spec.protocol), len(result.data.classes)
        )
        column, row_end = index % columns, index + columns
        prepare_confusion_axes(
            panel, result.data.classes, has_x_names=row_end >= len(results), has_y_names=column == 0
        )
        fill_confusion_axes(panel, np.array(matrix))
        set_panel_title(panel, format_network_name(result))
    save_figure(figure, path)


def prepare_confusion_axes(
    axes: Axes, classes: Sequence[str], *, has_x_names: bool = True, has_y_names: bool = True
) -> None:
    """Set up `axes` for a confusion matrix; without names, an axis has no ticks and no label."""
    axes.imshow(np.zeros((len(classes), len(classes))), cmap="Blues", vmin=0, vmax=1)
    short_names = [escape_mathtext(name if len(name) <= 10 else f"{name[:9]}.") for name in classes]
    if has_x_names:
        axes.set_xticks(range(len(classes)), short_names, rotation=45, ha="right", fontsize=FONT_SIZE - 1)
        axes.set_xlabel("prediction", fontsize=FONT_SIZE)
    else:
        axes.set_xticks([])
    if has_y_names:
        axes.set_yticks(range(len(classes)), short_names, fontsize=FONT_SIZE - 1)
        axes.set_ylabel("truth", fontsize=FONT_SIZE)
    else:
        axes.set_yticks([])


def normalize_rows(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return counts [truth][prediction] as shares of the true class, 0 for a class without samples."""
    row_shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return row_shares


def fill_confusion_axes(axes: Axes, counts: NDArray[np.int64]) -> None:
    """Fill the axes of `prepare_confusion_axes` with counts [truth][prediction]; a cell of 0 stays empty."""
    share = normalize_rows(counts)
    axes.images[0].set_data(share)
    for truth, prediction in np.argwhere(counts):
        axes.text(
            prediction,
            truth,
            str(counts[truth, prediction]),
            ha="center",
            va="center",
            fontsize=FONT_SIZE,
            color="white" if share[truth, prediction] > 0.5 else "black",
        )
