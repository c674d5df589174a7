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
    escape_mathtext,
    format_network_name,
    make_panel_grid,
    save_figure,
    set_panel_title,
)
from studies.metrics import compute_confusion_matrix, to_evaluation_unit
from studies.results import RunResult


def draw_confusion_matrices(results: Sequence[RunResult], path: Path) -> None:
    """Draw a panel per run: counts in the protocol's unit, shaded by the share of the true class."""
    column_count = min(3, len(results))
    figure, panels = make_panel_grid(
        len(results), columns=3, height=FIGURE_WIDTH / column_count + 0.1, left=0.8, bottom=0.7
    )
    for panel, result in zip(panels, results, strict=True):
        matrix = compute_confusion_matrix(
            to_evaluation_unit(result.predictions, result.spec.protocol), len(result.data.classes)
        )
        prepare_confusion_axes(panel, result.data.classes)
        fill_confusion_axes(panel, np.array(matrix))
        set_panel_title(panel, format_network_name(result))
    save_figure(figure, path)


def prepare_confusion_axes(axes: Axes, classes: Sequence[str]) -> None:
    """Set up `axes` for a confusion matrix that `fill_confusion_axes` fills."""
    shape = (len(classes), len(classes))
    axes.imshow(np.zeros(shape), cmap="Blues", vmin=0, vmax=1)
    for truth, predicted_class in np.ndindex(shape):
        axes.text(predicted_class, truth, "", ha="center", va="center", fontsize=FONT_SIZE)
    short_names = [escape_mathtext(name if len(name) <= 10 else f"{name[:9]}.") for name in classes]
    axes.set_xticks(range(len(classes)), short_names, rotation=45, ha="right", fontsize=FONT_SIZE - 1)
    axes.set_yticks(range(len(classes)), short_names, fontsize=FONT_SIZE - 1)
    axes.set_xlabel("prediction", fontsize=FONT_SIZE)
    axes.set_ylabel("truth", fontsize=FONT_SIZE)


def normalize_rows(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return counts [truth][prediction] as shares of the true class, 0 for a class without samples."""
    row_shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return row_shares


def fill_confusion_axes(axes: Axes, counts: NDArray[np.int64]) -> None:
    """Fill the axes of `prepare_confusion_axes` with counts [truth][prediction]."""
    share = normalize_rows(counts)
    axes.images[0].set_data(share)
    for text, count, cell_share in zip(axes.texts, counts.flat, share.flat, strict=True):
        text.set(text=str(count), color="white" if cell_share > 0.5 else "black")
