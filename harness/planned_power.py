"""What a planned study can find, in words, by number of training seeds."""

from __future__ import annotations

from collections import Counter

from harness.plan import Plan
from studies.arms import pairs
from studies.statistics import power
from studies.statistics.power import Noise
from studies.statistics.verdicts import MIN_CLUSTERS, MIN_TRAININGS

SEEDS = (5, 10, 20)
"""Numbers of training seeds that are set side by side, beside the planned one."""


def describe_power(plan: Plan, protocol: str, known: Noise | None) -> str:
    """The smallest difference that the tests of a protocol can show with so many seeds, in words.

    `known` is the noise measured on earlier cells of the study; None takes that of drawn faces.
    """
    study, noise = plan.study, known or power.DRAWN_FACES
    by_fold = any(spec.folds > 1 for spec in study.runs() if spec.protocol == protocol)
    splits = [
        split for split in plan.splits if split.protocol == protocol and split.seed == study.split_seeds[0]
    ]
    samples = plan.pixels.table.samples
    clips: dict[str, str] = {}
    for split in splits:
        for sample in (samples[row] for row in split.test):
            cluster = f"fold {split.fold}" if by_fold else sample.subject
            clips[sample.clip or sample.id] = cluster
    clusters = Counter(clips.values())
    name = "folds" if by_fold else "subjects"
    about = f"{protocol}: the test has {len(clips)} clips of {len(clusters)} {name}"
    if "" in clusters:
        return f"{about}, some unnamed: no verdict is possible without subjects"
    if len(clusters) < MIN_CLUSTERS:
        more = "" if by_fold else f"; kfold or loso test all {_subjects(plan)} subjects"
        return f"{about}: no verdict is possible, which needs at least {MIN_CLUSTERS} {name}{more}"
    family = len(pairs(study.arms, design=study.design)) or 1
    divisions = len(study.split_seeds)
    counts = sorted({len(study.seeds), *SEEDS})
    found = "; ".join(
        _finds(
            power.Plan(
                sizes=tuple(clusters.values()),
                trainings=seeds,
                family=family,
                arms=len(study.arms),
                by_fold=by_fold,
            ),
            noise,
            divisions=divisions,
        )
        for seeds in counts
    )
    one = ", on one division" if divisions > 1 else ""
    return (
        f"{about}. Smallest difference of accuracy found{one} with {100 * power.POWER:.0f} % power in a "
        f"family of {family}: {found} ({noise.source}: training SD {100 * noise.training:.1f} points, "
        f"subject SD {100 * noise.heterogeneity:.1f}, {100 * noise.discordance:.0f} % of answers change "
        "between trainings)"
    )


def _subjects(plan: Plan) -> int:
    return len({sample.subject for sample in plan.pixels.table.samples})


def _finds(plan: power.Plan, noise: Noise, *, divisions: int) -> str:
    seeds = "1 seed" if plan.trainings == 1 else f"{plan.trainings} seeds"
    if plan.trainings * divisions < MIN_TRAININGS and not plan.by_fold:
        return f"{seeds}: no verdict"
    least = power.smallest_difference(plan, noise)
    return f"{seeds}: none" if least is None else f"{seeds}: {100 * least:.1f} points"
