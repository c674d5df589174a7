"""The figures of a study: drawn to files beside the report, and described for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from reports.ablation import ablation_items
from reports.bars import ablation_bars
from reports.beside import beside, title_of
from reports.columns import seen_in_words
from reports.figures import confusion_matrices, curves
from reports.outcomes import Outcome, Outcomes
from reports.reliability import reliability_diagrams
from reports.table import Figure
from studies.arms import LADDERS
from studies.calibration import BINS
from studies.results import RunResult

FOLDER = "figures"


def file_name(study: str, what: str) -> str:
    """Where a figure lies, relative to the report: the same name for the same study, safe in a link."""
    return f"{FOLDER}/{re.sub(r'[^A-Za-z0-9._-]+', '-', f'{study}-{what}')}.png"


def pooled(outcome: Outcome) -> RunResult | None:
    """The first seed's run with the predictions of all its folds."""
    if not outcome.seeds:
        return None
    first = outcome.seeds[0]
    return replace(first.runs[0], predictions=first.predictions)


def _drawable(rows: Sequence[Outcome]) -> tuple[RunResult, ...]:
    return tuple(run for run in map(pooled, rows) if run is not None)


def _notes(study: Outcomes) -> tuple[str, ...]:
    """What a figure of one run a network leaves out."""
    seeds = study.study.seeds
    return (f"First finished of the seeds {', '.join(map(str, seeds))}.",) if len(seeds) > 1 else ()


def confusion_figure(study: Outcomes, protocol: str, *, out: Path) -> Figure | None:
    """Confusion matrices of the networks under one protocol; None if none has finished."""
    rows = study.under(protocol)
    runs = _drawable(rows)
    if not runs:
        return None
    file = file_name(study.study.name, f"confusion-{protocol}")
    confusion_matrices(runs, out / file)
    other = beside(study)
    return Figure(
        id=f"confusion-{study.study.name}-{protocol}",
        title=f"Confusion matrices on {title_of(study.study.dataset.name)} under {protocol}",
        file=file,
        alt=f"Confusion matrices of {', '.join(run.spec.architecture.name for run in runs)}",
        notes=(
            f"Numbers: {rows[0].unit}. Shade: share of the true class. Rows are the truth.",
            _shares(rows),
            *_notes(study),
        ),
        paper=other.items(other.published.confusion_figure) if other else (),
    )


def curve_figure(
    study: Outcomes, protocol: str, *, quantity: Literal["accuracy", "loss"], out: Path
) -> Figure | None:
    """Training and validation curves of the networks under one protocol; None if none has finished."""
    rows = study.under(protocol)
    runs = _drawable(rows)
    if not runs:
        return None
    file = file_name(study.study.name, f"{quantity}-{protocol}")
    curves(runs, out / file, quantities=(quantity,))
    return Figure(
        id=f"{quantity}-{study.study.name}-{protocol}",
        title=f"{quantity.capitalize()} by epoch on {title_of(study.study.dataset.name)} under {protocol}",
        file=file,
        alt=f"{quantity.capitalize()} by epoch of {', '.join(run.spec.architecture.name for run in runs)}",
        notes=(
            "Dashed: training (augmented images). Solid: validation. Dotted: the epoch whose weights were "
            "kept. Grey: the other networks' validation.",
            *((_shares(rows),) if quantity == "accuracy" else ()),
            *_notes(study),
        ),
        paper=_curve_items(study, quantity),
    )


def _curve_items(study: Outcomes, quantity: Literal["accuracy", "loss"]) -> tuple[str, ...]:
    if study.study.kind == "ablation":
        return ablation_items(study, "Figure 16" if quantity == "accuracy" else "Figure 17")
    other = beside(study)
    if other is None:
        return ()
    named = {"accuracy": other.published.accuracy_figure, "loss": other.published.loss_figure}
    return other.items(named[quantity])


def bar_figure(study: Outcomes, *, out: Path) -> Figure | None:
    """The ablation's accuracy and UAR by rung and protocol; None if nothing has finished."""
    if not study.result.results:
        return None
    file = file_name(study.study.name, "bars")
    step = "rung" if study.study.design in LADDERS else "arm"
    ablation_bars(study.rows, out / file)
    return Figure(
        id=f"bars-{study.study.name}",
        title=f"Accuracy and UAR of each {step} on {title_of(study.study.dataset.name)}",
        file=file,
        alt=f"Bars of accuracy and UAR for {', '.join(arm.name for arm in study.study.arms)}",
        notes=(
            "Frames are counted under frame, clips under every other protocol. Hatched: collapsed in a seed "
            "or more. Empty: failed or not run.",
            *(_shares(study.under(protocol)) for protocol in study.study.protocols),
        ),
        paper=ablation_items(study, "Figure 18"),
    )


def reliability_figure(study: Outcomes, protocol: str, *, out: Path) -> Figure | None:
    """Reliability diagrams of the networks under one protocol; None if none has finished."""
    rows = [row for row in study.under(protocol) if row.seeds]
    if not rows:
        return None
    file = file_name(study.study.name, f"reliability-{protocol}")
    reliability_diagrams(rows, out / file)
    repeats = any(len(row.seeds) > 1 for row in rows)
    return Figure(
        id=f"reliability-{study.study.name}-{protocol}",
        title=f"Reliability diagrams on {title_of(study.study.dataset.name)} under {protocol}",
        file=file,
        alt=f"Accuracy by confidence of {', '.join(row.arm.name for row in rows)}",
        notes=(
            f"Line: accuracy in each of {BINS} equal-width bins of the confidence. Bars: share of the units.",
            "Below the dashed diagonal the network is overconfident.",
            *(("A bin holds the test units of all finished seeds.",) if repeats else ()),
            _shares(rows),
        ),
    )


def _shares(rows: Sequence[Outcome]) -> str:
    found = next((row.leakage for row in rows if row.leakage), None)
    if found is None:
        return f"Under {rows[0].protocol} nothing has finished."
    return f"Under {rows[0].protocol}, {seen_in_words(found)}."
