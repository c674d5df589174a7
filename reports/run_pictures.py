"""The two pictures of one run, for its page in the tracking UI.

A study draws them after every cell. What is alike from run to run is made, laid out and drawn once, and the
rest drawn upon it; the same run gives the same bytes whatever was drawn before it.
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

from reports.figures import (
    BLUE,
    GREEN,
    ORANGE,
    SMALL,
    WIDTH,
    Quantity,
    framed,
    name_of,
    series,
    shares,
    style,
    title,
)
from studies.metrics import confusion, headline
from studies.results import RunResult

RUN_DPI = 100
MATRIX_SIDE, CURVES_HEIGHT = 4.5, 2.7
"""In inches."""

TICKS = 5
"""Losses at most beside their axis: to draw each takes longer than to draw a curve."""

NAMELESS: dict[str, Any] = {"Software": None}

QUICK = {"compress_level": 1}
"""Packing a picture smaller by a seventh takes as long again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A figure drawn but for what moves from run to run."""

    panels: tuple[Axes, ...]
    moving: tuple[Artist, ...]
    canvas: Any  # FigureCanvasAgg, whose methods have no types
    ground: Any

    def save(self, path: Path) -> None:
        """Draw what moves, from the lowest up, and write a PNG that names neither time nor version."""
        self.canvas.restore_region(self.ground)
        for artist in self.moving:
            artist.draw(self.canvas.get_renderer())
        imsave(
            path, self.canvas.buffer_rgba(), format="png", dpi=RUN_DPI, metadata=NAMELESS, pil_kwargs=QUICK
        )


def run_matrix(result: RunResult, path: Path) -> None:
    """The confusion matrix in the protocol's unit, shaded by the share of the true class."""
    sheet = _matrix_sheet(result.data.classes)
    (axes,) = sheet.panels
    (image,) = axes.images
    units = headline(result.predictions, result.spec.protocol)
    counts = np.array(confusion(units, len(result.data.classes)))
    share = shares(counts)
    # As colours, since their few numbers are mapped faster than the image's many pixels.
    image.set_data(colormaps["Blues"](share, bytes=True))
    for on_dark, digits in zip((False, True), axes.patches, strict=True):
        assert isinstance(digits, PathPatch)
        digits.set_path(_numbers(axes, counts, (share > 0.5) == on_dark))
    title(axes, name_of(result))
    sheet.save(path)


def run_curves(result: RunResult, path: Path) -> None:
    """Accuracy and loss by epoch: training dashed, validation solid, the chosen epoch dotted."""
    sheet = _curves_sheet(len(result.history))
    for axes, quantity in zip(sheet.panels, get_args(Quantity), strict=True):
        train, validation, chosen = axes.get_lines()
        train.set_data(*series(result, f"train_{quantity}"))
        validation.set_data(*series(result, f"validation_{quantity}"))
        chosen.set_xdata([result.best_epoch, result.best_epoch])
        if quantity == "loss":
            axes.relim()
            axes.autoscale(axis="y")
            low, high = axes.get_ylim()
            axes.yaxis.set_major_locator(MaxNLocator(TICKS) if high < 10 * low else LogLocator())
        title(axes, name_of(result))
    sheet.save(path)


def _numbers(axes: Axes, counts: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Path2D:
    """The digits of the chosen counts, each in the middle of its cell, in pixels of the figure.

    One path: each text of matplotlib's own is laid out and drawn by itself, which takes most of a picture.
    """
    cells = np.argwhere(chosen)
    centres = axes.transData.transform(cells[:, ::-1])
    digits = [
        Path2D(number.vertices + centre, number.codes)
        for number, centre in zip(map(_number, counts[chosen].tolist()), centres, strict=True)
    ]
    return Path2D.make_compound_path(*digits)


@lru_cache(maxsize=4096)
def _number(count: int) -> Path2D:
    """The digits of a count around the origin, in pixels."""
    path = TextPath((0, 0), str(count), size=SMALL * RUN_DPI / 72)
    box = path.get_extents()
    return Path2D(path.vertices - [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2], path.codes)


@lru_cache(maxsize=4)
def _matrix_sheet(classes: tuple[str, ...]) -> Sheet:
    figure = Figure(figsize=(MATRIX_SIDE, MATRIX_SIDE), dpi=RUN_DPI)
    axes = figure.subplots()
    figure.subplots_adjust(left=0.18, bottom=0.16, right=0.98, top=0.94)
    framed(axes, classes)
    for color in ("black", "white"):
        axes.add_patch(PathPatch(Path2D([(0, 0)]), transform=IdentityTransform(), color=color, linewidth=0))
    _placed(axes, x=-0.16, y=-0.17)
    return _sheet(figure, (axes,), (*axes.images, *axes.spines.values(), *axes.patches, axes.title))


@lru_cache(maxsize=4)
def _curves_sheet(epochs: int) -> Sheet:
    figure = Figure(figsize=(WIDTH, CURVES_HEIGHT), dpi=RUN_DPI)
    panels = tuple(figure.subplots(1, 2))
    figure.subplots_adjust(left=0.07, bottom=0.27, right=0.99, top=0.92, wspace=0.28)
    for axes, quantity in zip(panels, get_args(Quantity), strict=True):
        mark = "o" if epochs == 1 else ""  # a line of one epoch is a point
        axes.plot([1], [1], color=ORANGE, linestyle="--", marker=mark, label="training")
        axes.plot([1], [1], color=BLUE, marker=mark, markersize=3, label="validation")
        axes.axvline(1, color=GREEN, linestyle=":", linewidth=1, label="chosen epoch")
        style(axes, quantity, longest=epochs)
        _placed(axes, x=-0.14, y=-0.11)
    panels[-1].yaxis.set_minor_locator(NullLocator())
    panels[-1].yaxis.set_major_formatter(FormatStrFormatter("%g"))
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="lower center", ncols=3, fontsize=SMALL, frameon=False
    )
    lines = (artist for axes in panels for artist in (*axes.get_lines(), axes.title))
    return _sheet(figure, panels, (panels[-1].yaxis, *lines))


def _sheet(figure: Figure, panels: tuple[Axes, ...], moving: Sequence[Artist]) -> Sheet:
    for artist in moving:
        artist.set_animated(True)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return Sheet(
        panels=panels, moving=tuple(moving), canvas=canvas, ground=canvas.copy_from_bbox(figure.bbox)
    )


def _placed(axes: Axes, *, x: float, y: float) -> None:
    """Labels that far below and beside the axes, in shares of them: else every tick is measured for it."""
    axes.xaxis.set_label_coords(0.5, x)
    axes.yaxis.set_label_coords(y, 0.5)
