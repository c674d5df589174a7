"""Where a comparison is not fair or not finished: unequal widths, and trainings that were still improving."""

from __future__ import annotations

from collections.abc import Iterator

from reports.lists import few
from reports.outcomes import Outcome, Outcomes


def cautions(study: Outcomes) -> Iterator[str]:
    """One text for each fault that makes a difference mean something else than the architectures."""
    scaled = [row for row in study.rows if row.arm.width != 1]
    full = [row for row in study.rows if row.arm.width == 1]
    if scaled and full:
        widths = few(list(dict.fromkeys(f"{row.arm.name} {row.arm.width:g}" for row in scaled)))
        names = few(list(dict.fromkeys(row.arm.name for row in full)))
        yield (
            f"Widths are unequal: {widths}; not scaled: {names}. These networks differ in size too; with "
            "--width 1 no network is scaled."
        )
    cut: dict[str, list[str]] = {}
    for row in study.rows:
        if text := _still_improving(row):
            cut.setdefault(row.arm.name, []).append(f"{text} under {row.protocol}")
    if cut:
        told = few([f"{name} ({', '.join(texts)})" for name, texts in cut.items()])
        yield (
            f"Training was still improving when it ended: {told}. The best epoch was the last one allowed; "
            "with more --epochs these networks can score higher."
        )


def _still_improving(row: Outcome) -> str:
    """In how many runs the best epoch was the last one allowed; "" if in less than half of them."""
    runs = row.runs
    cut = sum(run.best_epoch == run.spec.training.epochs for run in runs)
    return f"{cut} of {len(runs)} runs" if runs and 2 * cut >= len(runs) else ""
