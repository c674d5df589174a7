"""Describe the confidence interval of one arm's metric."""

from __future__ import annotations

from functools import lru_cache

from reports.formatting import format_percent
from reports.outcomes import Outcome
from reports.pairing import pair_outcomes
from studies.spec import Metric
from studies.statistics.verdicts import MIN_CLUSTERS, MIN_TRAININGS


@lru_cache(maxsize=128)
def estimate_bounds(outcome: Outcome, metric: Metric) -> tuple[float, float] | None:
    """Return the 95 % interval of an arm's metric, from 0 to 1; None if there is none."""
    pairing = pair_outcomes((outcome,), metric)
    if pairing is None or pairing.obstacle:
        return None
    estimate = pairing.estimate_contrast({outcome.arm.name: 1.0})
    if estimate is None or estimate.low is None or estimate.high is None or estimate.low == estimate.high:
        return None
    return max(0.0, estimate.low), min(1.0, estimate.high)


def describe_interval(outcome: Outcome, metric: Metric = "accuracy") -> str:
    """Return the 95 % interval of an arm's metric and the population it covers, or why there is none.

    `outcome` needs finished trainings. With fewer than `MIN_TRAININGS` trainings the interval covers other
    subjects but not other trainings.
    """
    pairing = pair_outcomes((outcome,), metric)
    assert pairing is not None
    trainings_text = f"mean of {len(outcome.trainings)} trainings, " if len(outcome.trainings) > 1 else ""
    if pairing.obstacle:
        return f"{trainings_text}no interval: {pairing.obstacle}"
    estimate = pairing.estimate_contrast({outcome.arm.name: 1.0})
    cluster_noun = "subjects" if pairing.is_crossed else "folds"
    if estimate is None or estimate.low is None or estimate.high is None:
        cluster_count = len(pairing.clusters)
        noun = cluster_noun if cluster_count > 1 else cluster_noun.removesuffix("s")
        return f"{trainings_text}no interval: {cluster_count} {noun}, at least {MIN_CLUSTERS} needed"
    if estimate.low == estimate.high:
        return f"{trainings_text}no interval: no variation between {cluster_noun}"
    population = (
        f"{cluster_noun} and trainings"
        if pairing.is_crossed and not estimate.is_conditional
        else cluster_noun
    )
    condition = (
        f"; covering other trainings needs {MIN_TRAININGS} trainings" if estimate.is_conditional else ""
    )
    low, high = format_percent(max(0.0, estimate.low)), format_percent(min(1.0, estimate.high))
    return f"{trainings_text}95 % interval {low} to {high} over {population}{condition}"
