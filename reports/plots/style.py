"""Figures of a study, drawn without a display and without pyplot's global state.

The same input gives the same bytes. Colors are those of Okabe and Ito, which color-blind readers can
distinguish. Shading uses one hue; darker means more. A figure is as wide as a page or as a column of a
two-column paper, so that its text has its true size there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from datasets.text import sanitize
from studies.metrics import compute_scores, to_evaluation_unit
from studies.results import RunResult

BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#999999"
COLORS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "black", "#7F7F7F")
LINE_STYLES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D")
FIGURE_WIDTH, COLUMN_WIDTH = 7.16, 3.5
"""Widths of a page and of a column of a two-column paper, in inches."""

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

CurveMetric = Literal["accuracy", "loss"]


def make_panel_grid(
    panel_count: int,
    *,
    columns: int,
    height: float,
    left: float = 0.5,
    bottom: float = 0.4,
    top: float = 0.36,
    figure_width: float = FIGURE_WIDTH,
    is_shared: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Return a figure `figure_width` inches wide and its `panel_count` axes.

    The axes stand in rows of `columns`; each row is `height` inches high. `left`, `bottom` and `top` are the
    margins of each panel in inches, for its labels and title; with `is_shared`, `left` and `bottom` are
    those of the whole grid, whose panels have the same ticks (`hide_inner_labels`). They are fixed because
    matplotlib's constrained layout measures every label twice, which takes longer than drawing it.
    """
    columns = min(columns, panel_count)
    row_count = -(-panel_count // columns)
    height_sum = row_count * height + (bottom if is_shared else 0)
    figure = Figure(figsize=(figure_width, height_sum), dpi=DPI)
    axes = list(figure.subplots(row_count, columns, squeeze=False).flat)
    for unused_axes in axes[panel_count:]:
        unused_axes.set_visible(False)
    width = figure_width / columns
    column_gap, row_gap = (GAP, top) if is_shared else (left + GAP, bottom + top)
    panel_width = (figure_width - left) / columns - GAP if is_shared else width - left - GAP
    panel_height = height - row_gap
    figure.subplots_adjust(
        left=left / figure_width,
        right=1 - GAP / figure_width,
        bottom=bottom / height_sum,
        top=1 - top / height_sum,
        wspace=column_gap / panel_width,
        hspace=row_gap / panel_height,
    )
    return figure, axes[:panel_count]


def hide_inner_labels(panels: Sequence[Axes]) -> None:
    """Keep the labels of a shared grid at its left panels and at the lowest panel of each column."""
    columns = len({round(panel.get_position().x0, 6) for panel in panels})
    for index, panel in enumerate(panels):
        if index % columns:
            panel.set_ylabel("")
            panel.tick_params(which="both", labelleft=False)
        if index + columns < len(panels):
            panel.set_xlabel("")
            panel.tick_params(which="both", labelbottom=False)


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


def select_line_style(index: int) -> dict[str, Any]:
    """Return the color, line style and marker of the line `index`: no two of 32 lines are alike."""
    color, repeat = COLORS[index % len(COLORS)], index // len(COLORS) % len(LINE_STYLES)
    return {"color": color, "linestyle": LINE_STYLES[repeat], "marker": MARKERS[repeat]}


def add_legend(figure: Figure, axes: Axes) -> None:
    """Add a legend of the labels in `axes` below all panels, in as many columns as fit."""
    handles, names = axes.get_legend_handles_labels()
    line_length = int(MAX_LEGEND_LENGTH * figure.get_figwidth() / FIGURE_WIDTH)
    columns = max(1, min(3, line_length // max(map(len, names))))
    add_strip(figure, LEGEND_LINE * (1 - (-len(names) // columns)))
    figure.legend(handles, names, loc="lower center", ncols=columns, fontsize=FONT_SIZE, frameon=False)


def wrap_name(name: str, length: int) -> str:
    """Return a name on two lines of similar length if it is longer than `length` characters."""
    breaks = [index for index, letter in enumerate(name) if letter in " +" and 0 < index < len(name) - 1]
    if len(name) <= length or not breaks:
        return name
    split = min(breaks, key=lambda index: max(index, len(name) - index))
    return f"{name[:split]}\n{name[split:].lstrip()}"


def set_panel_title(axes: Axes, text: str) -> None:
    """Set a panel's title on at most two lines no wider than the panel: smaller if it is long, then cut.

    The height is fixed; to find a free height takes a quarter of the drawing time.
    """
    assert isinstance(axes.figure, Figure)
    width = 72 * (axes.get_position().width * axes.figure.get_figwidth() + 2 * GAP)
    title = wrap_name(text, int(width / (LETTER_WIDTH * (FONT_SIZE + 1))))
    longest = int(width / (LETTER_WIDTH * MIN_FONT_SIZE))
    lines = [line if len(line) <= longest else f"{line[: longest - 1]}…" for line in title.split("\n")]
    fitting_size = width / (LETTER_WIDTH * max(1, *map(len, lines)))
    axes.set_title("\n".join(lines), fontsize=min(FONT_SIZE + 1, fitting_size), y=1.0)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG, or a PDF if the path ends in .pdf, without the time and without matplotlib's version."""
    # Figure.savefig draws the figure twice; its first pass writes nothing and computes nothing used here.
    if path.suffix == ".pdf":
        metadata = {"Creator": None, "Producer": None, "CreationDate": None}
        FigureCanvasPdf(figure).print_pdf(path, metadata=metadata)  # type: ignore[no-untyped-call]
    else:
        FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})  # type: ignore[no-untyped-call]


def format_network_name(result: RunResult) -> str:
    """Return the name of a run's network, marked if it predicted the same class for every test sample."""
    run_scores = compute_scores(
        to_evaluation_unit(result.predictions, result.spec.protocol), len(result.data.classes)
    )
    return escape_mathtext(result.spec.architecture.name) + (
        " (collapsed)" if run_scores.is_collapsed else ""
    )
