"""Pictures of a study, drawn without a display and without pyplot's global state, the same bytes every time.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; shading is one hue, dark for much.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator
from numpy.typing import NDArray

from datasets.text import shown
from studies.metrics import confusion, headline, scores
from studies.results import RunResult

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
WIDTH = 7.5
DPI = 150
LEGEND_WIDTH = 90
"""Letters that fit below a figure beside each other."""

LEGEND_LINE = 0.15
"""Inches of one line of a legend."""

GAP = 0.08
"""Inches right of each panel."""

LONGEST_NAME = 60
"""Letters of a name that are drawn."""

SMALL = 7
LEAST_LOSS = 1e-6
"""A loss of 0 has no place on a log scale; it is drawn here."""
Quantity = Literal["accuracy", "loss"]


def grid_of(
    panels: int, *, columns: int, height: float, left: float = 0.5, bottom: float = 0.4, top: float = 0.25
) -> tuple[Figure, list[Axes]]:
    """A figure of `WIDTH` inches with `panels` axes in rows of `columns`, each row `height` inches high.

    `left`, `bottom` and `top` are the inches around each panel for its labels and title. They are fixed:
    matplotlib's constrained layout measures every label twice, which takes longer than to draw them.
    """
    columns = min(columns, panels)
    rows = -(-panels // columns)
    figure = Figure(figsize=(WIDTH, rows * height), dpi=DPI)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.set_visible(False)
    width = WIDTH / columns
    figure.subplots_adjust(
        left=left / WIDTH,
        right=1 - GAP / WIDTH,
        bottom=bottom / (rows * height),
        top=1 - top / (rows * height),
        wspace=(left + GAP) / (width - left - GAP),
        hspace=(bottom + top) / (height - bottom - top),
    )
    return figure, axes[:panels]


def add_strip(figure: Figure, inches: float) -> None:
    """Make the figure higher by a strip at its bottom, and leave its panels as large as they are."""
    height, panels = figure.get_figheight(), figure.subplotpars
    figure.set_figheight(height + inches)
    figure.subplots_adjust(
        bottom=(panels.bottom * height + inches) / (height + inches),
        top=(panels.top * height + inches) / (height + inches),
    )


def legible(name: str) -> str:
    """A name of others as matplotlib draws it to the letter: on one line, cut, and never as mathematics.

    A label that begins with an underscore would be left out of the legend, so a space goes before it.
    """
    text = shown(name, longest=LONGEST_NAME).replace("$", r"\$")
    return f" {text}" if text.startswith("_") or not text else text


def legend(figure: Figure, axes: Axes) -> None:
    """Names the lines of one of the panels below all of them, in as many columns as fit."""
    handles, names = axes.get_legend_handles_labels()
    columns = max(1, min(3, LEGEND_WIDTH // max(map(len, names))))
    add_strip(figure, LEGEND_LINE * (1 - (-len(names) // columns)))
    figure.legend(handles, names, loc="lower center", ncols=columns, fontsize=SMALL, frameon=False)


def title(axes: Axes, text: str) -> None:
    """Head a panel; at a height that is told, since finding a free one takes a quarter of the drawing."""
    axes.set_title(text, fontsize=SMALL + 1, y=1.0)


def save(figure: Figure, path: Path) -> None:
    """Write a PNG that names neither the time nor the version it was drawn with."""
    # Figure.savefig draws a second time, to no paper, for nothing that is used here.
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})  # type: ignore[no-untyped-call]


def _image(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image.transpose(1, 2, 0))
    axes.set_title(title, fontsize=SMALL)
    axes.set_axis_off()


def sample_sheet(images: NDArray[np.uint8], titles: Sequence[str], path: Path) -> None:
    """Images (N, 3, H, W), six to a row, each under its title (the paper's figures 7 and 8)."""
    figure, axes = grid_of(len(images), columns=6, height=1.6, left=0, bottom=0.05)
    for place, image, title in zip(axes, images, titles, strict=True):
        _image(place, image, title)
    save(figure, path)


def augmentation_strip(original: NDArray[np.uint8], augmented: NDArray[np.uint8], path: Path) -> None:
    """One image (3, H, W) and what augmentation makes of it, (N, 3, H, W) (the paper's figure 9)."""
    figure, axes = grid_of(1 + len(augmented), columns=9, height=1.05, left=0, bottom=0.05)
    _image(axes[0], original, "original")
    for place, (number, image) in zip(axes[1:], enumerate(augmented, start=1), strict=True):
        _image(place, image, f"draw {number}")
    save(figure, path)


def name_of(result: RunResult) -> str:
    """The network, marked if it gave every test sample the same answer."""
    found = scores(headline(result.predictions, result.spec.protocol), len(result.data.classes))
    return legible(result.spec.architecture.name) + (" (collapsed)" if found.collapsed else "")


def confusion_matrices(results: Sequence[RunResult], path: Path) -> None:
    """A panel a run: counts of its protocol's unit, shaded by the share of the true class."""
    panels = min(3, len(results))
    figure, axes = grid_of(len(results), columns=3, height=WIDTH / panels + 0.1, left=0.8, bottom=0.7)
    for place, result in zip(axes, results, strict=True):
        matrix = confusion(headline(result.predictions, result.spec.protocol), len(result.data.classes))
        framed(place, result.data.classes)
        shade(place, np.array(matrix))
        title(place, name_of(result))
    save(figure, path)


def framed(axes: Axes, classes: Sequence[str]) -> None:
    """Make `axes` those of a confusion matrix, to be filled by `shade`."""
    sides = (len(classes), len(classes))
    axes.imshow(np.zeros(sides), cmap="Blues", vmin=0, vmax=1)
    for truth, answer in np.ndindex(sides):
        axes.text(answer, truth, "", ha="center", va="center", fontsize=SMALL)
    short = [legible(name if len(name) <= 10 else f"{name[:9]}.") for name in classes]
    axes.set_xticks(range(len(classes)), short, rotation=45, ha="right", fontsize=SMALL - 1)
    axes.set_yticks(range(len(classes)), short, fontsize=SMALL - 1)
    axes.set_xlabel("answer", fontsize=SMALL)
    axes.set_ylabel("truth", fontsize=SMALL)


def shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The counts [truth][answer] as shares of their true class, 0 where it has no sample."""
    found: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return found


def shade(axes: Axes, counts: NDArray[np.int64]) -> None:
    """Fill `framed` axes with a matrix of counts [truth][answer]."""
    share = shares(counts)
    axes.images[0].set_data(share)
    for text, count, part in zip(axes.texts, counts.flat, share.flat, strict=True):
        text.set(text=str(count), color="white" if part > 0.5 else "black")


def curves(
    results: Sequence[RunResult], path: Path, *, quantities: Sequence[Quantity] = ("accuracy", "loss")
) -> None:
    """A panel a run and quantity: training dashed, validation solid, the chosen epoch dotted.

    Grey lines are the other runs' validation curves. Panels of one quantity share their axes.
    """
    panels = [(result, quantity) for result in results for quantity in quantities]
    several = len(quantities) > 1
    columns = len(quantities) if several else 3 if len(panels) <= 6 else 4
    figure, axes = grid_of(len(panels), columns=columns, height=2.6 if several else 2.1)
    for place, (result, quantity) in zip(axes, panels, strict=True):
        others = [series(other, f"validation_{quantity}") for other in results if other is not result]
        lines = [list(zip(*series, strict=True)) for series in others]
        place.add_collection(LineCollection(lines, colors=GREY, linewidths=0.5, alpha=0.6))
        # A line of one epoch is a point.
        mark = "o" if len(result.history) == 1 else ""
        train, validation = (series(result, f"{part}_{quantity}") for part in ("train", "validation"))
        place.plot(*train, color=ORANGE, linestyle="--", marker=mark, label="training")
        place.plot(*validation, color=BLUE, marker=mark, markersize=3, label="validation")
        place.axvline(result.best_epoch, color=GREEN, linestyle=":", linewidth=1, label="chosen epoch")
        style(place, quantity, longest=max(len(result.history) for result in results))
        title(place, name_of(result))
    legend(figure, axes[0])
    _share_scale(axes, panels)
    save(figure, path)


def series(result: RunResult, field: str) -> tuple[list[int], list[float]]:
    """Epoch numbers and that figure of each, a loss as far as a log scale shows it."""
    numbers = [epoch.number for epoch in result.history]
    floor = LEAST_LOSS if field.endswith("loss") else 0.0
    return numbers, [max(floor, getattr(epoch, field)) for epoch in result.history]


class _Plain(LogFormatter):
    """The numbers as a person writes them, where a logarithmic scale has room for one."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def style(axes: Axes, quantity: Quantity, *, longest: int) -> None:
    """Scales, labels and grid of a panel whose longest run has so many epochs."""
    axes.set_xlim(0.5, longest + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch", fontsize=SMALL)
    axes.set_ylabel("accuracy" if quantity == "accuracy" else "loss (log scale)", fontsize=SMALL)
    if quantity == "accuracy":
        axes.set_ylim(0, 1.02)
    else:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_Plain())
        axes.yaxis.set_minor_formatter(_Plain())
    # Both: within a decade a log scale labels its minor ticks.
    axes.tick_params(which="both", labelsize=SMALL - 1)
    axes.grid(alpha=0.3, linewidth=0.5)


def _share_scale(axes: Sequence[Axes], panels: Sequence[tuple[RunResult, Quantity]]) -> None:
    losses = [place for place, (_, quantity) in zip(axes, panels, strict=True) if quantity == "loss"]
    limits = [limit for place in losses for limit in place.get_ylim()]
    for place in losses:
        place.set_ylim(min(limits), max(limits))
