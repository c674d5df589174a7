"""What a claim comes to under one protocol, and the studies that can speak of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.beside import departures
from reports.numbers import NOTHING
from reports.outcomes import Outcomes
from studies.claims import Word
from studies.paper import PAPER
from studies.spec import MARGIN
from studies.statistics.verdicts import MIN_TRAININGS, Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is said of a claim under one protocol: our number in words, and the verdict."""

    ours: str
    word: Word
    why: str = ""


Check = Callable[[Sequence[Outcomes], str], Finding]
"""From the studies of a report and a protocol to what becomes of a claim."""


def not_here(why: str, *, ours: str = NOTHING) -> Finding:
    """A claim that these studies cannot test, and why."""
    return Finding(ours=ours, word="not testable here", why=why)


def on_papers_sets(studies: Sequence[Outcomes]) -> list[Outcomes]:
    """The studies that the paper's claims are about."""
    return [study for study in studies if study.study.dataset.name in PAPER]


def study_with(
    studies: Sequence[Outcomes], dataset: str, protocol: str, *, arms: Sequence[str]
) -> Outcomes | Finding:
    """The study on the set in which a seed has finished all these arms under the protocol, or why none has.

    Of several, the one whose settings are nearest the paper's.
    """
    there = [study for study in studies if study.study.dataset.name == dataset]
    there.sort(key=lambda study: len(departures(study.study)))
    for study in there:
        done = [{s.seed for s in row.seeds} for row in study.under(protocol) if row.arm.name in arms]
        if len(done) == len(arms) and set.intersection(*done):
            return study
    what = "not all of its networks have finished" if there else f"no study on {dataset}"
    return not_here(f"{what} under {protocol}")


def by_interval(interval: Estimate | None, ours: str) -> Finding:
    """A claim that something is gained, by the interval of the gain: is it above 0?"""
    if interval is None or interval.low is None or interval.high is None:
        return Finding(ours=ours, word="undecidable at this n", why="too few subjects for an interval")
    if interval.conditional:
        why = f"fewer than {MIN_TRAININGS} trainings"
        return Finding(ours=ours, word="undecidable at this n", why=why)
    if interval.low > 0:
        return Finding(ours=ours, word="reproduced")
    if interval.high < 0:
        return Finding(ours=ours, word="not reproduced", why="the interval lies below 0")
    if interval.is_within(MARGIN):
        why = f"the interval holds 0 and stays within ±{100 * MARGIN:g} points"
        return Finding(ours=ours, word="not reproduced", why=why)
    return Finding(ours=ours, word="undecidable at this n", why="the interval holds 0")
