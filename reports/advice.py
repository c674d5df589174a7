"""What is missing for a verdict, and the command that adds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import fmean

from reports.differences import SINGLE_SUBJECT, Difference, differences
from reports.noise import measure_noise
from reports.outcomes import Outcomes
from reports.run_notes import duration
from studies.arms import pairs
from studies.spec import Study
from studies.statistics import power
from studies.statistics.verdicts import MIN_CLUSTERS, MIN_TRAININGS

FOLDS = 10
"""Of kfold, unless asked otherwise."""


def advice(study: Outcomes) -> Iterator[str]:
    """What to run next where a protocol has no verdict, one text each; nothing where all have one."""
    undecided = {
        protocol: [each for each in differences(study, protocol) if each.verdict.word == "no verdict"]
        for protocol in study.study.protocols
    }
    if any(_lacks_trainings(each) for found in undecided.values() for each in found):
        yield _more_seeds(study)
    few = [protocol for protocol, found in undecided.items() if any(map(_lacks_subjects, found))]
    if few:
        yield _more_subjects(study, few)


def _lacks_trainings(found: Difference) -> bool:
    """Whether more trainings would give a verdict; not where an obstacle or too few subjects prevent it."""
    return found.estimate is not None and found.estimate.conditional and not _lacks_subjects(found)


def _lacks_subjects(found: Difference) -> bool:
    if found.estimate is None:
        return found.verdict.reason == SINGLE_SUBJECT
    return found.estimate.clusters < MIN_CLUSTERS


def command(study: Study, *options: str) -> str:
    """The command that a study was started with, as far as its spec tells, and more options."""
    name = "ablate" if study.kind == "ablation" else "compare"
    design = (f"--design {study.design}",) if study.design not in ("", "ladder") else ()
    told = (f"--dataset {study.dataset.name}", *design, f"--preset {study.preset}", *options)
    return f"harness {name} {' '.join(told)}"


def _more_seeds(study: Outcomes) -> str:
    spec = study.study
    seeds = max(MIN_TRAININGS, len(spec.seeds))
    more = replace(spec, seeds=tuple(range(seeds)))
    done = {run.spec.key: run for run in study.result.results}
    runs = more.runs()
    left = sum(run.key not in done for run in runs)
    mean = fmean(run.seconds for run in done.values()) if done else 0.0
    protocols = f"--protocol {','.join(spec.protocols)}"
    return (
        f"Verdicts need {MIN_TRAININGS} trainings of each network. Run "
        f"{command(spec, protocols, f'--seeds {seeds}')} with your other options: it reuses "
        f"{len(runs) - left} cells and runs {left}, which takes about {duration(mean * left)} (h:min:s), "
        f"one at a time at the mean time of the finished cells.{_retry(study)}"
    )


def _retry(study: Outcomes) -> str:
    failed = len(study.result.failures)
    return f" Of these, {failed} failed before and run again only with --retry-failed." if failed else ""


def _more_subjects(study: Outcomes, few: list[str]) -> str:
    start = f"Verdicts need at least {MIN_CLUSTERS} test subjects, which {' and '.join(few)} has not"
    data = next((data for protocol in few if (data := study.data(protocol))), None)
    clips = data.subject_clips if data else ()
    if few == ["kfold"] and len(clips) >= MIN_CLUSTERS:
        more = command(study.study, "--protocol kfold", f"--folds {min(FOLDS, len(clips))}")
        return f"Verdicts need at least {MIN_CLUSTERS} folds, which kfold has not. Run {more}."
    if clips and len(clips) < MIN_CLUSTERS:
        return f"{start}; nor have these data, so that no protocol can give one."
    if not clips:
        kfold = command(study.study, "--protocol kfold")
        return f"{start}. {kfold} tests the clips of all subjects; these runs do not store their number."
    spec = study.study
    noise = next((found for protocol in spec.protocols if (found := measure_noise(study, protocol))), None)
    folds = min(FOLDS, len(clips))
    plan = power.Plan(
        sizes=(sum(clips) // folds,) * folds,
        trainings=len(spec.seeds),
        family=max(1, len(pairs(spec.arms, design=spec.design))),
        by_fold=True,
    )
    assumed = noise or power.DRAWN_FACES
    least = power.smallest_difference(plan, assumed)
    shown = f" and would show {100 * least:.1f} points ({assumed.source})" if least else ""
    return (
        f"{start}. {command(spec, '--protocol kfold')} tests all {sum(clips)} clips of {len(clips)} "
        f"subjects{shown}."
    )
