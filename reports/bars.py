"""The ablation as bars (the paper's figure 18): accuracy and UAR of each rung, grouped by protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from reports.figures import (
    BLUE,
    GREEN,
    GREY,
    LEGEND_LINE,
    ORANGE,
    SMALL,
    add_strip,
    grid_of,
    legible,
    save,
)
from reports.outcomes import Outcome

LEVEL = 7
"""Most names that fit beside each other; more are turned."""

COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00")


def ablation_bars(rows: Sequence[Outcome], path: Path) -> None:
    """A group a rung, a bar a protocol, a whisker of one standard deviation where there are several seeds.

    Bars of networks that collapsed in any seed are hatched. A missing result leaves its place empty.
    """
    names = [legible(name) for name in dict.fromkeys(row.arm.name for row in rows)]
    longest = max(map(len, names)) if len(names) > LEVEL else 0
    figure, axes = grid_of(2, columns=1, height=2.5 + 0.04 * longest, bottom=0.4 + 0.04 * longest, top=0.1)
    for place, name in zip(axes, ("accuracy", "uar"), strict=True):
        _panel(place, rows, name=name)
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    keys = [Patch(facecolor=COLOURS[i % len(COLOURS)], label=p) for i, p in enumerate(protocols)]
    keys.append(Patch(facecolor="white", edgecolor=GREY, hatch="////", label="collapsed"))
    add_strip(figure, 2 * LEGEND_LINE)
    figure.legend(handles=keys, loc="lower center", ncols=len(keys), fontsize=SMALL, frameon=False)
    save(figure, path)


def _panel(axes: Axes, rows: Sequence[Outcome], *, name: str) -> None:
    arms = list(dict.fromkeys(row.arm.name for row in rows))
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    width = 0.8 / len(protocols)
    for row in rows:
        if not row.seeds:
            continue
        shares = [100 * getattr(seed.scores, name) for seed in row.seeds]
        lane = protocols.index(row.protocol)
        place = arms.index(row.arm.name) + width * (lane - (len(protocols) - 1) / 2)
        height = fmean(shares)
        (bar,) = axes.bar(place, height, width * 0.94, color=COLOURS[lane % len(COLOURS)])
        if row.collapsed:
            bar.set(hatch="////", edgecolor="white")
        _whisker(axes, shares, place=place, height=height)
        top = height + (stdev(shares) if len(shares) > 1 else 0)
        axes.text(place, top + 1, f"{height:.1f}", ha="center", va="bottom", fontsize=SMALL - 1)
    if len(arms) <= LEVEL:
        axes.set_xticks(range(len(arms)), [legible(arm).replace("+", "\n+") for arm in arms], fontsize=SMALL)
    else:
        axes.set_xticks(
            range(len(arms)), list(map(legible, arms)), rotation=40, ha="right", fontsize=SMALL - 1
        )
    axes.set_ylim(0, 112)
    axes.set_ylabel({"accuracy": "accuracy, %", "uar": "UAR, %"}[name], fontsize=SMALL)
    axes.tick_params(axis="y", labelsize=SMALL - 1)
    axes.grid(axis="y", alpha=0.3, linewidth=0.5)
    axes.set_axisbelow(True)


def _whisker(axes: Axes, shares: Sequence[float], *, place: float, height: float) -> None:
    if len(shares) > 1:
        axes.errorbar(place, height, yerr=stdev(shares), color="black", capsize=2, linewidth=0.8)
