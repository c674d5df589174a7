"""Describe the statistical power of a planned study by number of training seeds."""

from __future__ import annotations

from collections import Counter

from datasets.catalogue import get_entry
from datasets.text import pluralize
from harness.planning.plan import StudyPlan
from studies.arms import build_pairs
from studies.statistics import power
from studies.statistics.power import Noise
from studies.statistics.verdicts import MIN_CLUSTERS, MIN_TRAININGS

SEED_COUNTS = (5, 10, 20)
"""Numbers of training seeds that are listed in addition to the planned number."""


def describe_power(plan: StudyPlan, protocol: str, measured_noise: Noise | None) -> str:
    """Describe the smallest difference that the tests of a protocol detect, by number of seeds.

    `measured_noise` is the noise measured on earlier cells of the study; None uses that of synthetic faces.
    """
    study, noise = plan.study, measured_noise or power.SYNTHETIC_FACES_NOISE
    by_fold = any(spec.folds > 1 for spec in study.list_runs() if spec.protocol == protocol)
    splits = [
        split for split in plan.splits if split.protocol == protocol and split.seed == study.split_seeds[0]
    ]
    samples = plan.pixels.table.samples
    cluster_by_clip: dict[str, str] = {}
    for split in splits:
        for sample in (samples[row] for row in split.test):
            cluster = f"fold {split.fold}" if by_fold else sample.subject
            cluster_by_clip[sample.clip or sample.id] = cluster
    clusters = Counter(cluster_by_clip.values())
    cluster_unit = "fold" if by_fold else "subject"
    unit = "clip" if all(sample.clip for sample in samples) else "image"
    if "" in clusters:
        hint = get_entry(study.dataset.name).groups_help.format(kind="subject")
        return (
            f"{protocol}: the test has {pluralize(len(cluster_by_clip), unit)}, {clusters['']} of them "
            f"without a subject label, so no verdict is possible{f'. {hint}' if hint else ''}"
        )
    header = (
        f"{protocol}: the test has {pluralize(len(cluster_by_clip), unit)} of "
        f"{pluralize(len(clusters), cluster_unit)}"
    )
    if len(clusters) < MIN_CLUSTERS:
        hint = "" if by_fold else f"; kfold and loso test all {_count_subjects(plan)} subjects"
        return f"{header}: a verdict needs at least {MIN_CLUSTERS} {cluster_unit}s, so none is possible{hint}"
    family = len(build_pairs(study.arms, design=study.design)) or 1
    split_count = len(study.split_seeds)
    seed_counts = sorted({len(study.seeds), *SEED_COUNTS})
    differences = "; ".join(
        _format_difference(
            power.ComparisonPlan(
                cluster_sizes=tuple(clusters.values()),
                trainings_per_arm=seeds,
                family_size=family,
                arm_count=len(study.arms),
                by_fold=by_fold,
            ),
            noise,
            split_count=split_count,
        )
        for seeds in seed_counts
    )
    split_note = " on one split" if split_count > 1 else ""
    return (
        f"{header}. Smallest detectable difference in accuracy{split_note} with "
        f"{100 * power.TARGET_POWER:.0f} % power in a "
        f"family of {family}: {differences} "
        f"({noise.source}: training SD {100 * noise.training_sd:.1f} points, "
        f"subject SD {100 * noise.subject_sd:.1f}, {100 * noise.discordance:.0f} % of predictions change "
        "between trainings)"
    )


def _count_subjects(plan: StudyPlan) -> int:
    return len({sample.subject for sample in plan.pixels.table.samples})


def _format_difference(plan: power.ComparisonPlan, noise: Noise, *, split_count: int) -> str:
    seeds = pluralize(plan.trainings_per_arm, "seed")
    if plan.trainings_per_arm * split_count < MIN_TRAININGS and not plan.by_fold:
        return f"{seeds}: no verdict"
    difference = power.compute_planned_detectable_difference(plan, noise)
    return f"{seeds}: none" if difference is None else f"{seeds}: {100 * difference:.1f} points"
