"""Suggestions of the next runs, with commands: for a verdict, or for narrower intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import fmean

from datasets.splits import DEFAULT_FOLDS
from datasets.text import pluralize
from reports.arm_differences import SINGLE_SUBJECT_OBSTACLE, ArmDifference, compute_differences
from reports.noise import measure_noise
from reports.outcomes import StudyEvaluation
from reports.run_settings import format_hours
from reports.study_command import build_command, has_command
from reports.table import Statement
from studies.arms import build_pairs
from studies.results import StudyResult
from studies.statistics import power
from studies.statistics.verdicts import MIN_CLUSTERS, MIN_TRAININGS

THREE_PART_PROTOCOLS = ("frame", "clip", "subject")
"""Protocols whose test set is a part of the data; the others test every subject."""


def suggest_next_runs(evaluation: StudyEvaluation) -> Iterator[Statement]:
    """Yield what to run next, if a comparison is inconclusive, or has no verdict for lack of data."""
    differences_by_protocol = {
        protocol: [
            difference
            for difference in compute_differences(evaluation, protocol)
            if difference.verdict.label == "no verdict"
        ]
        for protocol in evaluation.study.protocols
    }
    if any(
        _has_too_few_trainings(difference)
        for differences in differences_by_protocol.values()
        for difference in differences
    ):
        yield _suggest_more_seeds(evaluation)
    protocols_short_of_subjects = [
        protocol
        for protocol, differences in differences_by_protocol.items()
        if any(map(_has_too_few_subjects, differences))
    ]
    if protocols_short_of_subjects:
        yield _suggest_more_subjects(evaluation, protocols_short_of_subjects)
    for protocol in evaluation.study.protocols:
        yield from _suggest_narrower_intervals(evaluation, protocol)


def _has_too_few_trainings(difference: ArmDifference) -> bool:
    """Return True if more trainings would give a verdict, with no obstacle and enough subjects."""
    return (
        difference.estimate is not None
        and difference.estimate.is_conditional
        and not _has_too_few_subjects(difference)
    )


def _has_too_few_subjects(difference: ArmDifference) -> bool:
    if difference.estimate is None:
        return difference.verdict.reason == SINGLE_SUBJECT_OBSTACLE
    return difference.estimate.cluster_count < MIN_CLUSTERS


def _name_command(result: StudyResult) -> str:
    return "This command" if has_command(result) else "This command, with your other options,"


def _suggest_more_seeds(evaluation: StudyEvaluation) -> Statement:
    study = evaluation.study
    seeds = max(MIN_TRAININGS, len(study.seeds))
    extended_study = replace(study, seeds=tuple(range(seeds)))
    results_by_key = {run.spec.key: run for run in evaluation.result.results}
    runs = extended_study.list_runs()
    missing_runs = sum(run.key not in results_by_key for run in runs)
    mean_seconds = fmean(run.seconds for run in results_by_key.values()) if results_by_key else 0.0
    duration = format_hours(mean_seconds * missing_runs)
    text = (
        f"Verdicts need {MIN_TRAININGS} trainings of each network. {_name_command(evaluation.result)} reuses "
        f"{pluralize(len(runs) - missing_runs, 'cell')} of this study and runs {missing_runs}, which takes "
        f"about {duration} (h:min:s), one at a time at the mean time of the finished cells."
        f"{_build_retry_note(evaluation)}"
    )
    return Statement(text=text, code=build_command(evaluation.result, {"--seeds": seeds}))


def _build_retry_note(evaluation: StudyEvaluation) -> str:
    failed_runs = len(evaluation.result.failures)
    return (
        f" Of these, {failed_runs} failed before; they run again only with --retry-failed."
        if failed_runs
        else ""
    )


def _suggest_more_subjects(evaluation: StudyEvaluation, protocols: list[str]) -> Statement:
    protocols_text = " and ".join(protocols)
    subject_text = f"protocols {protocols_text} have" if protocols[1:] else f"protocol {protocols_text} has"
    requirement = f"Verdicts need at least {MIN_CLUSTERS} test subjects; {subject_text} fewer"
    data_summary = next(
        (data_summary for protocol in protocols if (data_summary := evaluation.get_data_summary(protocol))),
        None,
    )
    clips_per_subject = data_summary.subject_clips if data_summary else ()
    if clips_per_subject and len(clips_per_subject) < MIN_CLUSTERS:
        return Statement(
            text=f"{requirement}. These data have {pluralize(len(clips_per_subject), 'subject')}, so no "
            "protocol can give a verdict."
        )
    command_name = _name_command(evaluation.result)
    if not clips_per_subject:
        return Statement(
            text=f"{requirement}. {command_name} tests the clips of all subjects; these runs do not store "
            "their number.",
            code=build_command(evaluation.result, {"--protocol": "kfold"}),
        )
    folds = min(DEFAULT_FOLDS, len(clips_per_subject))
    command = build_command(evaluation.result, {"--protocol": "kfold", "--folds": folds})
    if protocols == ["kfold"]:
        return Statement(
            text=f"Verdicts need at least {MIN_CLUSTERS} folds; this study has fewer. "
            f"{command_name} has {folds}.",
            code=command,
        )
    study = evaluation.study
    study_noise = next(
        (
            measured_noise
            for protocol in study.protocols
            if (measured_noise := measure_noise(evaluation, protocol))
        ),
        None,
    )
    plan = power.ComparisonPlan(
        cluster_sizes=(sum(clips_per_subject) // folds,) * folds,
        trainings_per_arm=len(study.seeds),
        family_size=max(1, len(build_pairs(study.arms, design=study.design))),
        by_fold=True,
    )
    noise = study_noise or power.SYNTHETIC_FACES_NOISE
    detectable = power.compute_planned_detectable_difference(plan, noise)
    detectable_text = (
        f" and would detect a difference of {100 * detectable:.1f} points ({noise.source})"
        if detectable
        else ""
    )
    return Statement(
        text=f"{requirement}. {command_name} tests all {sum(clips_per_subject)} clips of "
        f"{pluralize(len(clips_per_subject), 'subject')}{detectable_text}.",
        code=command,
    )


def _suggest_narrower_intervals(evaluation: StudyEvaluation, protocol: str) -> Iterator[Statement]:
    """Yield what contributes most to the width of the inconclusive intervals, and what to run against it."""
    study = evaluation.study
    estimates = [
        difference.estimate
        for difference in compute_differences(evaluation, protocol)
        if difference.estimate and difference.verdict.label == "inconclusive"
    ]
    if not estimates:
        return
    clusters = estimates[0].cluster_name
    variances = {
        clusters: sum(estimate.subject_se**2 for estimate in estimates),
        "training seeds": sum(estimate.training_se**2 for estimate in estimates),
        "splits": sum(estimate.split_se**2 for estimate in estimates),
    }
    source = max(variances, key=lambda name: variances[name])
    remedy, command = "Only data with more subjects narrow the intervals.", ""
    command_name = _name_command(evaluation.result)
    if source != clusters:
        option, count = (
            ("--seeds", len(study.seeds))
            if source == "training seeds"
            else ("--splits", len(study.split_seeds))
        )
        remedy = f"{command_name} narrows the intervals."
        command = build_command(evaluation.result, {"--protocol": protocol, option: 2 * count})
    elif protocol in THREE_PART_PROTOCOLS:
        remedy = f"{command_name} tests all subjects, which narrows the intervals."
        command = build_command(evaluation.result, {"--protocol": "kfold"})
    noun = "difference is" if len(estimates) == 1 else "differences are"
    yield Statement(
        text=f"Under {protocol}, {len(estimates)} {noun} inconclusive, mostly because of the variation "
        f"between {source}. {remedy}",
        code=command,
    )
