"""How far a metric of one arm can be trusted, in words: its interval, or why there is none."""

from __future__ import annotations

from reports.numbers import percent
from reports.outcomes import Outcome
from reports.pairing import pair_up
from studies.spec import Metric
from studies.statistics.verdicts import MIN_CLUSTERS, MIN_TRAININGS


def interval_in_words(row: Outcome, metric: Metric = "accuracy") -> str:
    """The 95 % interval of the metric of a row with finished trainings, and what it covers.

    With fewer than five trainings it covers other subjects and not other trainings.
    """
    own = pair_up((row,), metric)
    assert own is not None
    trainings = f"mean of {len(row.seeds)} trainings, " if len(row.seeds) > 1 else ""
    if own.obstacle:
        return f"{trainings}no interval: {own.obstacle}"
    found = own.estimate({row.arm.name: 1.0})
    clusters = "subjects" if own.is_crossed else "folds"
    if found is None or found.low is None or found.high is None:
        count = len(own.clusters)
        noun = clusters if count > 1 else clusters.removesuffix("s")
        return f"{trainings}no interval: {count} {noun}, at least {MIN_CLUSTERS}"
    if found.low == found.high:
        return f"{trainings}no interval: all {clusters} agree"
    over = f"{clusters} and trainings" if own.is_crossed and not found.conditional else clusters
    few = f", {MIN_TRAININGS} trainings are needed to cover other trainings" if found.conditional else ""
    low, high = percent(max(0.0, found.low)), percent(min(1.0, found.high))
    return f"{trainings}95 % interval {low} to {high} over {over}{few}"
