"""Caveats of a comparison: unequal widths, and trainings that ended while they still improved."""

from __future__ import annotations

from collections.abc import Iterator

from datasets.text import pluralize
from reports.formatting import truncate_list
from reports.outcomes import Outcome, StudyEvaluation


def list_caveats(evaluation: StudyEvaluation) -> Iterator[str]:
    """Yield a sentence for each reason why differences may not be due to the architectures alone."""
    scaled_outcomes = [outcome for outcome in evaluation.outcomes if outcome.arm.width != 1]
    full_width = [outcome for outcome in evaluation.outcomes if outcome.arm.width == 1]
    if scaled_outcomes and full_width:
        widths = truncate_list(
            list(dict.fromkeys(f"{outcome.arm.name} {outcome.arm.width:g}" for outcome in scaled_outcomes))
        )
        names = truncate_list(list(dict.fromkeys(outcome.arm.name for outcome in full_width)))
        yield (
            f"Widths are unequal: {widths}; not scaled: {names}. These networks also differ in size; with "
            "--width 1 no network is scaled."
        )
    texts_by_arm: dict[str, list[str]] = {}
    for outcome in evaluation.outcomes:
        if text := _describe_unfinished_training(outcome):
            texts_by_arm.setdefault(outcome.arm.name, []).append(f"{text} under {outcome.protocol}")
    if texts_by_arm:
        unfinished = truncate_list([f"{name} ({', '.join(texts)})" for name, texts in texts_by_arm.items()])
        yield (
            f"Training was still improving when it ended: {unfinished}. The best epoch was the last one "
            "allowed; with more --epochs these networks can score higher."
        )


def _describe_unfinished_training(outcome: Outcome) -> str:
    """Return in how many runs the best epoch is the last one allowed; "" if in fewer than half of them."""
    runs = outcome.runs
    runs_at_limit = sum(run.best_epoch == run.spec.training.epochs for run in runs)
    return (
        f"{runs_at_limit} of {pluralize(len(runs), 'run')}" if runs and 2 * runs_at_limit >= len(runs) else ""
    )
