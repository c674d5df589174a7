"""The two figures of one run, for its page in the tracking UI.

A study draws them after every cell. The parts that are equal in all runs are drawn once into a template; the
other parts are drawn on top of it for each run. The same run gives the same bytes, whatever was drawn before
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Path2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import IdentityTransform
from numpy.typing import NDArray

from reports.plots.confusion_matrices import normalize_rows, prepare_confusion_axes
from reports.plots.style import (
    BLUE,
    FIGURE_WIDTH,
    FONT_SIZE,
    GREEN,
    ORANGE,
    CurveMetric,
    format_network_name,
    set_panel_title,
)
from reports.plots.training_curves import get_series, style_curve_axes
from studies.metrics import compute_confusion_matrix, to_evaluation_unit
from studies.results import RunResult

RUN_DPI = 100
MATRIX_SIDE, CURVES_HEIGHT = 4.5, 2.7
"""Sizes in inches."""

MAX_LOSS_TICKS = 5
"""Maximum number of ticks on the loss axis; drawing a tick takes longer than drawing a curve."""

PNG_METADATA: dict[str, Any] = {"Software": None}

PNG_OPTIONS = {"compress_level": 1}
"""A file one seventh smaller would double the time to write it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTemplate:
    """A figure drawn without the artists that change from run to run."""

    panels: tuple[Axes, ...]
    animated_artists: tuple[Artist, ...]
    canvas: Any  # FigureCanvasAgg, whose methods have no types
    background: Any

    def save(self, path: Path) -> None:
        """Draw the changing artists in order and write a PNG without the time or matplotlib's version."""
        self.canvas.restore_region(self.background)
        for artist in self.animated_artists:
            artist.draw(self.canvas.get_renderer())
        imsave(
            path,
            self.canvas.buffer_rgba(),
            format="png",
            dpi=RUN_DPI,
            metadata=PNG_METADATA,
            pil_kwargs=PNG_OPTIONS,
        )


def draw_run_matrix(result: RunResult, path: Path) -> None:
    """Draw the confusion matrix in the protocol's unit, shaded by the share of the true class."""
    template = _make_matrix_template(result.data.classes)
    (axes,) = template.panels
    (image,) = axes.images
    units = to_evaluation_unit(result.predictions, result.spec.protocol)
    counts = np.array(compute_confusion_matrix(units, len(result.data.classes)))
    share = normalize_rows(counts)
    # Map the few shares to colors here: matplotlib would map every pixel of the image, which is slower.
    image.set_data(colormaps["Blues"](share, bytes=True))
    for is_dark, digits in zip((False, True), axes.patches, strict=True):
        assert isinstance(digits, PathPatch)
        digits.set_path(_make_numbers_path(axes, counts, (share > 0.5) == is_dark))
    set_panel_title(axes, format_network_name(result))
    template.save(path)


def draw_run_curves(result: RunResult, path: Path) -> None:
    """Draw accuracy and loss by epoch: training dashed, validation solid, the best epoch dotted."""
    template = _make_curves_template(len(result.history))
    for axes, metric in zip(template.panels, get_args(CurveMetric), strict=True):
        train, validation, best_epoch_line = axes.get_lines()
        train.set_data(*get_series(result, f"train_{metric}"))
        validation.set_data(*get_series(result, f"validation_{metric}"))
        best_epoch_line.set_xdata([result.best_epoch, result.best_epoch])
        if metric == "loss":
            axes.relim()
            axes.autoscale(axis="y")
            low, high = axes.get_ylim()
            axes.yaxis.set_major_locator(MaxNLocator(MAX_LOSS_TICKS) if high < 10 * low else LogLocator())
        set_panel_title(axes, format_network_name(result))
    template.save(path)


def _make_numbers_path(axes: Axes, counts: NDArray[np.int64], mask: NDArray[np.bool_]) -> Path2D:
    """Return the digits of the counts where `mask` is True, each centered in its cell, in figure pixels.

    All digits form one path. Matplotlib lays out and draws each of its texts by itself, which would take most
    of the drawing time.
    """
    cell_indices = np.argwhere(mask)
    centres = axes.transData.transform(cell_indices[:, ::-1])
    digits = [
        Path2D(number.vertices + centre, number.codes)
        for number, centre in zip(map(_make_number_path, counts[mask].tolist()), centres, strict=True)
    ]
    return Path2D.make_compound_path(*digits)


@lru_cache(maxsize=4096)
def _make_number_path(count: int) -> Path2D:
    """Return the digits of a count, centered at the origin, in pixels."""
    path = TextPath((0, 0), str(count), size=FONT_SIZE * RUN_DPI / 72)
    box = path.get_extents()
    return Path2D(path.vertices - [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2], path.codes)


@lru_cache(maxsize=4)
def _make_matrix_template(classes: tuple[str, ...]) -> FigureTemplate:
    figure = Figure(figsize=(MATRIX_SIDE, MATRIX_SIDE), dpi=RUN_DPI)
    axes = figure.subplots()
    figure.subplots_adjust(left=0.18, bottom=0.16, right=0.98, top=0.94)
    prepare_confusion_axes(axes, classes)
    for color in ("black", "white"):
        axes.add_patch(PathPatch(Path2D([(0, 0)]), transform=IdentityTransform(), color=color, linewidth=0))
    _set_label_positions(axes, x=-0.16, y=-0.17)
    return _make_template(figure, (axes,), (*axes.images, *axes.spines.values(), *axes.patches, axes.title))


@lru_cache(maxsize=4)
def _make_curves_template(epochs: int) -> FigureTemplate:
    figure = Figure(figsize=(FIGURE_WIDTH, CURVES_HEIGHT), dpi=RUN_DPI)
    panels = tuple(figure.subplots(1, 2))
    figure.subplots_adjust(left=0.07, bottom=0.27, right=0.99, top=0.92, wspace=0.28)
    for axes, metric in zip(panels, get_args(CurveMetric), strict=True):
        marker = "o" if epochs == 1 else ""  # a line of one epoch is a point
        axes.plot([1], [1], color=ORANGE, linestyle="--", marker=marker, label="training")
        axes.plot([1], [1], color=BLUE, marker=marker, markersize=3, label="validation")
        axes.axvline(1, color=GREEN, linestyle=":", linewidth=1, label="best epoch")
        style_curve_axes(axes, metric, max_epochs=epochs)
        _set_label_positions(axes, x=-0.14, y=-0.11)
    panels[-1].yaxis.set_minor_locator(NullLocator())
    panels[-1].yaxis.set_major_formatter(FormatStrFormatter("%g"))
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="lower center", ncols=3, fontsize=FONT_SIZE, frameon=False
    )
    lines = (artist for axes in panels for artist in (*axes.get_lines(), axes.title))
    return _make_template(figure, panels, (panels[-1].yaxis, *lines))


def _make_template(
    figure: Figure, panels: tuple[Axes, ...], animated_artists: Sequence[Artist]
) -> FigureTemplate:
    for artist in animated_artists:
        artist.set_animated(True)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return FigureTemplate(
        panels=panels,
        animated_artists=tuple(animated_artists),
        canvas=canvas,
        background=canvas.copy_from_bbox(figure.bbox),
    )


def _set_label_positions(axes: Axes, *, x: float, y: float) -> None:
    """Fix the axis labels at shares of the axes' size, so that matplotlib need not measure every tick."""
    axes.xaxis.set_label_coords(0.5, x)
    axes.yaxis.set_label_coords(y, 0.5)
