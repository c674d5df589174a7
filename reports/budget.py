"""What tuning gave each arm for the same number of trials, on validation alone.

A best value without its budget says little; the curve of the best value so far shows who would gain by more
(Dodge et al. 2019, arXiv:1909.03004).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes

from reports.figures import SMALL, grid_of, legend, legible, save
from reports.numbers import label, percent, whole
from reports.outcomes import Outcomes, training_id
from reports.pictures import file_name
from reports.table import Cell, Figure, Table
from studies.search import Search
from studies.spec import RunSpec


def _searched(study: Outcomes) -> tuple[tuple[RunSpec, Search], ...]:
    """Every run of an arm with its search, in the study's order; () where nothing was tuned."""
    runs = (spec for spec in study.study.runs() if spec.control == "none")
    return tuple(zip(runs, study.study.searches, strict=False))


def budget_table(study: Outcomes) -> Table | None:
    """A row a run: its trials, what they started from and came to, and the settings that it was given."""
    rows = [_row(spec, found) for spec, found in _searched(study)]
    if not rows:
        return None
    return Table(
        id=f"budget-{study.study.name}",
        title="Searches before the runs: the same number of trials for each, on its validation part alone",
        header=(
            "Network",
            "Protocol",
            "Division",
            "Seed",
            "Fold",
            "Trials",
            "Stopped early",
            "As it was, %",
            "Best, %",
            "Learning rate",
            "γ",
            "Class weights",
        ),
        rows=tuple(rows),
        notes=(
            f"{len(study.study.searches[0].values)} trials for every run, each of at most "
            f"{study.study.training.epochs} epochs; values are the best validation accuracy of a trial, "
            "which is what chose the settings: no estimate of how good the network is.",
        ),
    )


def _row(spec: RunSpec, found: Search) -> tuple[Cell, ...]:
    keys = (spec.key,)
    first, best = (
        Cell(text=percent(v), value=100 * v, run_keys=keys) for v in (found.values[0], max(found.values))
    )
    return (
        *map(label, (spec.architecture.name, spec.protocol, *map(str, training_id(spec)), str(spec.fold))),
        whole(len(found.values), keys),
        whole(sum(found.pruned), keys),
        first,
        best,
        Cell(text=f"{found.learning_rate:.2g}", value=found.learning_rate, run_keys=keys),
        Cell(text=f"{found.gamma:g}", value=found.gamma, run_keys=keys),
        label(found.class_weights),
    )


def budget_figure(study: Outcomes, *, out: Path) -> Figure | None:
    """The best value so far against the trials made, a panel a protocol, a line a network."""
    found = _searched(study)
    if not found:
        return None
    protocols = study.study.protocols
    figure, axes = grid_of(len(protocols), columns=3, height=2.6)
    for place, protocol in zip(axes, protocols, strict=True):
        _panel(place, [(spec, each) for spec, each in found if spec.protocol == protocol])
        place.set_title(protocol, fontsize=SMALL + 1)
    legend(figure, axes[0])
    file = file_name(study.study.name, "budget")
    save(figure, out / file)
    return Figure(
        id=f"budget-{study.study.name}-curve",
        title="Best validation accuracy against the budget",
        file=file,
        alt=f"Best validation accuracy so far by trial of {', '.join(arm.name for arm in study.study.arms)}",
        notes=("Mean over seeds and folds. A line that still rises at the end has not had enough trials.",),
    )


def _panel(axes: Axes, found: Sequence[tuple[RunSpec, Search]]) -> None:
    for name in dict.fromkeys(spec.architecture.name for spec, _ in found):
        curves = [each.best_so_far for spec, each in found if spec.architecture.name == name]
        shares = [100 * fmean(values) for values in zip(*curves, strict=True)]
        axes.step(range(1, len(shares) + 1), shares, where="post", marker=".", label=legible(name))
    axes.set_xlabel("trials", fontsize=SMALL)
    axes.set_ylabel("best validation accuracy, %", fontsize=SMALL)
    axes.tick_params(labelsize=SMALL - 1)
    axes.grid(alpha=0.3, linewidth=0.5)
