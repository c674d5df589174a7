"""Figures of a study, drawn without a display and without pyplot's global state.

The same input gives the same bytes. Colors are those of Okabe and Ito, which color-blind readers can
distinguish. Shading uses one hue; darker means more.
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

from datasets.text import sanitize
from studies.metrics import compute_confusion_matrix, compute_scores, to_evaluation_unit
from studies.results import RunResult

BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#999999"
FIGURE_WIDTH = 7.5
DPI = 150
MAX_LEGEND_LENGTH = 90
"""Maximum number of characters in one line of a legend."""

MIN_FONT_SIZE = 5
LETTER_WIDTH = 0.6
"""Mean width of a letter, as a fraction of the font size."""

LEGEND_LINE = 0.15
"""Height of one line of a legend, in inches."""

GAP = 0.08
"""Margin to the right of each panel, in inches."""

MAX_NAME_LENGTH = 60
"""Maximum number of characters drawn of a name."""

FONT_SIZE = 7
MIN_LOSS = 1e-6
"""Smallest loss drawn, since a log scale cannot show 0."""

CurveMetric = Literal["accuracy", "loss"]


def make_panel_grid(
    panel_count: int,
    *,
    columns: int,
    height: float,
    left: float = 0.5,
    bottom: float = 0.4,
    top: float = 0.25,
) -> tuple[Figure, list[Axes]]:
    """Return a figure `FIGURE_WIDTH` inches wide and its `panel_count` axes.

    The axes stand in rows of `columns`; each row is `height` inches high. `left`, `bottom` and `top` are the
    margins of each panel in inches, for its labels and title. They are fixed because matplotlib's constrained
    layout measures every label twice, which takes longer than drawing it.
    """
    columns = min(columns, panel_count)
    row_count = -(-panel_count // columns)
    figure = Figure(figsize=(FIGURE_WIDTH, row_count * height), dpi=DPI)
    axes = list(figure.subplots(row_count, columns, squeeze=False).flat)
    for unused_axes in axes[panel_count:]:
        unused_axes.set_visible(False)
    width = FIGURE_WIDTH / columns
    figure.subplots_adjust(
        left=left / FIGURE_WIDTH,
        right=1 - GAP / FIGURE_WIDTH,
        bottom=bottom / (row_count * height),
        top=1 - top / (row_count * height),
        wspace=(left + GAP) / (width - left - GAP),
        hspace=(bottom + top) / (height - bottom - top),
    )
    return figure, axes[:panel_count]


def add_strip(figure: Figure, inches: float) -> None:
    """Add an empty strip at the bottom of the figure; its panels keep their size."""
    height, panels = figure.get_figheight(), figure.subplotpars
    figure.set_figheight(height + inches)
    figure.subplots_adjust(
        bottom=(panels.bottom * height + inches) / (height + inches),
        top=(panels.top * height + inches) / (height + inches),
    )


def escape_mathtext(name: str) -> str:
    """Return a name on one line, truncated, and escaped so that matplotlib draws no mathematics.

    A space is put before an empty name or a leading underscore: matplotlib leaves such labels out of a
    legend.
    """
    text = sanitize(name, max_length=MAX_NAME_LENGTH).replace("$", r"\$")
    return f" {text}" if text.startswith("_") or not text else text


def add_legend(figure: Figure, axes: Axes) -> None:
    """Add a legend of the lines in `axes` below all panels, in as many columns as fit."""
    handles, names = axes.get_legend_handles_labels()
    columns = max(1, min(3, MAX_LEGEND_LENGTH // max(map(len, names))))
    add_strip(figure, LEGEND_LINE * (1 - (-len(names) // columns)))
    figure.legend(handles, names, loc="lower center", ncols=columns, fontsize=FONT_SIZE, frameon=False)


def set_panel_title(axes: Axes, text: str) -> None:
    """Set a panel's title on one line no wider than the panel: smaller if it is long, then cut.

    The height is fixed; to find a free height takes a quarter of the drawing time.
    """
    assert isinstance(axes.figure, Figure)
    width = 72 * (axes.get_position().width * axes.figure.get_figwidth() + 2 * GAP)
    longest = int(width / (LETTER_WIDTH * MIN_FONT_SIZE))
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    fitting_size = width / (LETTER_WIDTH * max(1, len(text)))
    axes.set_title(text, fontsize=min(FONT_SIZE + 1, fitting_size), y=1.0)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG whose metadata holds neither the time nor matplotlib's version."""
    # Figure.savefig draws the figure twice; its first pass writes nothing and computes nothing used here.
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})  # type: ignore[no-untyped-call]


def _draw_image(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image.transpose(1, 2, 0))
    axes.set_title(title, fontsize=FONT_SIZE)
    axes.set_axis_off()


def draw_sample_sheet(images: NDArray[np.uint8], titles: Sequence[str], path: Path) -> None:
    """Draw images (N, 3, H, W) with their titles, six per row (the paper's figures 7 and 8)."""
    figure, panels = make_panel_grid(len(images), columns=6, height=1.6, left=0, bottom=0.05)
    for panel, image, title in zip(panels, images, titles, strict=True):
        _draw_image(panel, image, title)
    save_figure(figure, path)


def draw_augmentation_strip(
    original_image: NDArray[np.uint8], augmented_images: NDArray[np.uint8], path: Path
) -> None:
    """Draw an image (3, H, W) and augmented versions of it (N, 3, H, W) (the paper's figure 9)."""
    figure, panels = make_panel_grid(1 + len(augmented_images), columns=9, height=1.05, left=0, bottom=0.05)
    _draw_image(panels[0], original_image, "original")
    for panel, (number, image) in zip(panels[1:], enumerate(augmented_images, start=1), strict=True):
        _draw_image(panel, image, f"augmented {number}")
    save_figure(figure, path)


def format_network_name(result: RunResult) -> str:
    """Return the name of a run's network, marked if it predicted the same class for every test sample."""
    run_scores = compute_scores(
        to_evaluation_unit(result.predictions, result.spec.protocol), len(result.data.classes)
    )
    return escape_mathtext(result.spec.architecture.name) + (
        " (collapsed)" if run_scores.is_collapsed else ""
    )


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


def draw_curves(
    results: Sequence[RunResult], path: Path, *, metrics: Sequence[CurveMetric] = ("accuracy", "loss")
) -> None:
    """Draw a panel per run and metric: training dashed, validation solid, the best epoch dotted.

    Gray lines are the validation curves of the other runs. Panels of one metric share their limits.
    """
    panel_contents = [(result, metric) for result in results for metric in metrics]
    has_two_quantities = len(metrics) > 1
    columns = len(metrics) if has_two_quantities else 3 if len(panel_contents) <= 6 else 4
    figure, axes = make_panel_grid(
        len(panel_contents), columns=columns, height=2.6 if has_two_quantities else 2.1
    )
    for panel, (result, metric) in zip(axes, panel_contents, strict=True):
        other_curves = [
            get_series(other_result, f"validation_{metric}")
            for other_result in results
            if other_result is not result
        ]
        lines = [list(zip(*curve, strict=True)) for curve in other_curves]
        panel.add_collection(LineCollection(lines, colors=GRAY, linewidths=0.5, alpha=0.6))
        # A line of one epoch is a point.
        marker = "o" if len(result.history) == 1 else ""
        train, validation = (
            get_series(result, f"{split_name}_{metric}") for split_name in ("train", "validation")
        )
        panel.plot(*train, color=ORANGE, linestyle="--", marker=marker, label="training")
        panel.plot(*validation, color=BLUE, marker=marker, markersize=3, label="validation")
        panel.axvline(result.best_epoch, color=GREEN, linestyle=":", linewidth=1, label="best epoch")
        style_curve_axes(panel, metric, max_epochs=max(len(result.history) for result in results))
        set_panel_title(panel, format_network_name(result))
    add_legend(figure, axes[0])
    _share_loss_limits(axes, panel_contents)
    save_figure(figure, path)


def get_series(result: RunResult, field: str) -> tuple[list[int], list[float]]:
    """Return the epoch numbers and the value of `field` at each; a loss is at least `MIN_LOSS`."""
    numbers = [epoch.number for epoch in result.history]
    floor = MIN_LOSS if field.endswith("loss") else 0.0
    return numbers, [max(floor, getattr(epoch, field)) for epoch in result.history]


class _PlainLogFormatter(LogFormatter):
    """Format ticks of a log scale as plain numbers, where matplotlib labels the tick."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def style_curve_axes(axes: Axes, metric: CurveMetric, *, max_epochs: int) -> None:
    """Set scales, labels and grid of a curve panel; `max_epochs` is the length of the longest run."""
    axes.set_xlim(0.5, max_epochs + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch", fontsize=FONT_SIZE)
    axes.set_ylabel("accuracy" if metric == "accuracy" else "loss (log scale)", fontsize=FONT_SIZE)
    if metric == "accuracy":
        axes.set_ylim(0, 1.02)
    else:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_PlainLogFormatter())
        axes.yaxis.set_minor_formatter(_PlainLogFormatter())
    # "both", because a log scale labels its minor ticks within a decade.
    axes.tick_params(which="both", labelsize=FONT_SIZE - 1)
    axes.grid(alpha=0.3, linewidth=0.5)


def _share_loss_limits(axes: Sequence[Axes], panels: Sequence[tuple[RunResult, CurveMetric]]) -> None:
    loss_panels = [panel for panel, (_, metric) in zip(axes, panels, strict=True) if metric == "loss"]
    limits = [limit for panel in loss_panels for limit in panel.get_ylim()]
    for panel in loss_panels:
        panel.set_ylim(min(limits), max(limits))
