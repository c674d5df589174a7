"""How far an accuracy can be trusted, in words: over the subjects, or why not."""

from __future__ import annotations

from reports.answers import answers
from reports.numbers import percent
from reports.outcomes import Outcome
from studies.clusters import LEAST_CLUSTERS
from studies.intervals import wilson


def interval_in_words(row: Outcome) -> str:
    """The 95 % interval of the accuracy of a row with finished seeds, and what it takes for independent.

    Over subjects, or over clips where no subject is told, if there are enough that do not all agree: where
    they agree, resampling them shows nothing of those not asked. Else over the clips of a single seed.
    """
    over = _over_subjects(row)
    seeds = f"mean of {len(row.seeds)} seeds, " if len(row.seeds) > 1 else ""
    if over:
        return f"{seeds}{over}"
    if row.unit != "clips":
        return f"{seeds}no honest interval: frames of a clip are not independent"
    if seeds:
        return f"{seeds}no interval below {LEAST_CLUSTERS} subjects that differ"
    low, high = wilson(row.seeds[0].scores.correct, row.seeds[0].scores.n)
    return f"95 % interval {percent(low)} to {percent(high)}, taking clips for independent"


def _over_subjects(row: Outcome) -> str:
    """The interval over what is independent; nothing where that is too little or all alike."""
    own = answers((row,))
    assert own is not None
    assert row.first is not None
    interval = own.contrast({row.arm.name: 1.0})
    if interval.low is None or interval.high is None or interval.low == interval.high:
        return ""
    told = any(prediction.subject for prediction in row.first.predictions)
    over = "subjects" if told else "clips, no subject being told"
    return f"95 % interval {percent(interval.low)} to {percent(interval.high)}, over {over}"
