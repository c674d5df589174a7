"""Reliability diagrams (Guo et al. 2017): accuracy against confidence, one panel a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from reports.figures import BLUE, GREY, SMALL, grid_of, legend, legible, save, title
from reports.outcomes import Outcome
from studies.calibration import BINS, reliability_bins


def reliability_diagrams(rows: Sequence[Outcome], path: Path) -> None:
    """A panel a network: accuracy by confidence bin, the diagonal dashed, the share of units as bars.

    Each bin holds the test units of all finished seeds of the network.
    """
    panels = len(rows)
    figure, grid = grid_of(panels, columns=3 if panels <= 6 else 4, height=2.4 if panels <= 6 else 2.0)
    for axes, row in zip(grid, rows, strict=True):
        _panel(axes, row)
    legend(figure, grid[0])
    save(figure, path)


def _panel(axes: Axes, row: Outcome) -> None:
    units = [unit for seed in row.seeds for unit in seed.units]
    groups = reliability_bins(units)
    confidence = [group.confidence for group in groups]
    shares = [group.units / len(units) for group in groups]
    axes.bar(confidence, shares, 0.6 / BINS, color=GREY, alpha=0.5, label="share of units")
    axes.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=0.5, label="perfect calibration")
    accuracy = [group.accuracy for group in groups]
    axes.plot(confidence, accuracy, color=BLUE, marker=".", linewidth=1, label="accuracy")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("confidence", fontsize=SMALL)
    axes.set_ylabel("accuracy", fontsize=SMALL)
    axes.tick_params(labelsize=SMALL - 1)
    axes.grid(alpha=0.3, linewidth=0.5)
    title(axes, legible(row.name))
