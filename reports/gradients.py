"""How much of the gradient reaches the first block, along training, with and without skip connections.

The first block's gradient norm over the last's, epoch by epoch; where gradients vanish on the way it is small
(Glorot and Bengio 2010, proceedings.mlr.press/v9/glorot10a). Its logarithm is averaged, so that a tenth and
ten make one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from pathlib import Path
from statistics import fmean

from matplotlib.ticker import LogFormatter, MaxNLocator

from reports.checked import twins
from reports.figures import SMALL, grid_of, legend, legible, save
from reports.numbers import NOTHING, label, whole
from reports.outcomes import Outcome, Outcomes
from reports.pictures import file_name
from reports.table import Cell, Figure, Table
from studies.results import RunResult

SKIPS = "residual"


def ratio(run: RunResult) -> float | None:
    """Geometric mean over a run's epochs; None where none was measured."""
    told = [log(epoch.gradient_ratio) for epoch in run.history if epoch.gradient_ratio]
    return exp(fmean(told)) if told else None


def _shown(study: Outcomes) -> list[Outcome]:
    """Arms that the skips alone tell apart, with what was measured of them, in the study's order."""
    pairs = [pair for protocol in study.study.protocols for pair in twins(study.under(protocol), SKIPS)]
    members = [row for pair in pairs for row in pair]
    return [row for row in study.rows if row in members and any(map(ratio, row.runs))]


def gradient_table(study: Outcomes) -> Table | None:
    """The ratio at the first and the last epoch and over all; None where no two arms differ in the skips."""
    rows = _shown(study)
    if not rows:
        return None
    return Table(
        id=f"gradients-{study.study.name}",
        title="Gradient norm of the first block over that of the last, with and without skips",
        header=("Network", "Protocol", "Skips", "Runs", "First epoch", "Last epoch", "All epochs"),
        rows=tuple(map(_row, rows)),
        notes=(
            "Each run's epochs are averaged as logarithms, then the runs. Below 1: less of the gradient "
            "reaches the first block than the last.",
        ),
    )


def _row(row: Outcome) -> tuple[Cell, ...]:
    runs = [run for run in row.runs if ratio(run)]
    first, last = (
        [run.history[place].gradient_ratio for run in runs if run.history[place].gradient_ratio]
        for place in (0, -1)
    )
    return (
        label(row.name),
        label(row.protocol),
        label("yes" if row.arm.block.residual else "no"),
        whole(len(runs), row.keys),
        *(
            _cell([value for value in values if value], row.keys)
            for values in (first, last, map(ratio, runs))
        ),
    )


def _cell(values: Sequence[float], keys: tuple[str, ...]) -> Cell:
    if not values:
        return label(NOTHING)
    mean = exp(fmean(map(log, values)))
    return Cell(text=f"{mean:.3g}", value=mean, run_keys=keys)


def gradient_figure(study: Outcomes, *, out: Path) -> Figure | None:
    """The ratio by epoch, a panel a protocol; skips solid, none dashed."""
    rows = _shown(study)
    if not rows:
        return None
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    figure, axes = grid_of(len(protocols), columns=3, height=2.6)
    for place, protocol in zip(axes, protocols, strict=True):
        for row in rows:
            if row.protocol == protocol:
                epochs, means = _by_epoch(row.runs)
                style = "-" if row.arm.block.residual else "--"
                name = legible(row.arm.name)
                place.plot(epochs, means, linestyle=style, marker=".", linewidth=1, label=name)
        place.set_yscale("log")
        place.yaxis.set_major_formatter(LogFormatter())
        place.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        place.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
        place.axhline(1.0, color="black", linewidth=0.5)
        place.set_title(protocol, fontsize=SMALL + 1)
        place.set_xlabel("epoch", fontsize=SMALL)
        place.set_ylabel("first block / last block", fontsize=SMALL)
        place.tick_params(which="both", labelsize=SMALL - 1)
        place.grid(alpha=0.3, linewidth=0.5)
    legend(figure, axes[0])
    file = file_name(study.study.name, "gradients")
    save(figure, out / file)
    return Figure(
        id=f"gradients-{study.study.name}-curve",
        title="Gradient norm of the first block over that of the last, by epoch",
        file=file,
        alt=f"Gradient norm ratio by epoch of {', '.join(dict.fromkeys(row.arm.name for row in rows))}",
        notes=("Solid: with skips. Dashed: without. Geometric mean over the runs that reached the epoch.",),
    )


def _by_epoch(runs: Sequence[RunResult]) -> tuple[list[int], list[float]]:
    told: dict[int, list[float]] = {}
    for run in runs:
        for epoch in run.history:
            if epoch.gradient_ratio:
                told.setdefault(epoch.number, []).append(log(epoch.gradient_ratio))
    return sorted(told), [exp(fmean(told[number])) for number in sorted(told)]
