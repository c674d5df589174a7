"""How much trainings, subjects and single answers vary, measured from what a study has finished."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from statistics import fmean, variance

from reports.differences import differences
from reports.outcomes import Outcome, Outcomes, SeedOutcome
from studies.statistics.power import Noise
from studies.statistics.verdicts import Estimate


def measure_noise(study: Outcomes, protocol: str) -> Noise | None:
    """The noise of the accuracy under a protocol; None before an arm that learned has two trainings."""
    rows = [row for row in study.under(protocol) if len(row.seeds) > 1 and not row.collapsed]
    pairs = [pair for row in rows for pair in _same_division(row)]
    if not pairs:
        return None
    discordance = fmean(_discordance(*pair) for pair in pairs)
    units = fmean(len(first.units) for first, _ in pairs)
    pooled = fmean(variance([first.scores.accuracy, second.scores.accuracy]) for first, second in pairs)
    # A training with several folds is the mean of as many independent ones.
    folds = len(rows[0].seeds[0].runs)
    training = folds * max(0.0, pooled - discordance / (2 * units))
    excess = [
        max(0.0, _beyond_answers(found, discordance) - (2 * training / found.trainings if folds > 1 else 0.0))
        for each in differences(study, protocol, metric="accuracy")
        if (found := each.estimate)
    ]
    count = sum(len(row.seeds) for row in rows)
    return Noise(
        training=training**0.5,
        heterogeneity=fmean(excess) ** 0.5 if excess else 0.0,
        discordance=discordance,
        source=f"measured on {count} finished trainings of this study",
    )


def _beyond_answers(found: Estimate, discordance: float) -> float:
    """Variance of a difference over clusters beyond that of single answers."""
    return (found.subject_error**2 - discordance / (found.units * found.trainings)) * found.clusters


def _same_division(row: Outcome) -> Iterator[tuple[SeedOutcome, SeedOutcome]]:
    return (pair for pair in combinations(row.seeds, 2) if pair[0].split_seed == pair[1].split_seed)


def _discordance(first: SeedOutcome, second: SeedOutcome) -> float:
    """Share of units that one of two trainings answered right and the other wrong."""
    right = {unit.id: answer for unit, answer in zip(second.units, second.right, strict=True)}
    answers = list(zip(first.units, first.right, strict=True))
    return fmean(right.get(unit.id, answer) != answer for unit, answer in answers)
