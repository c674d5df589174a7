"""Which arm is better than which, how sure that is, and where the test was too small to tell.

Paired throughout: two arms are compared on the samples that both were tested on. What decides resamples the
subjects (`studies.clusters`); McNemar's exact test stands beside it within one seed, and decides where the
test has too few subjects, over clips alone: frames of a clip are no independent answers. Holm's method keeps
the family of a protocol at 5 % (`studies.verdicts`). Two arms that both collapsed get no verdict; one that
did is marked so wherever it is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from architectures.spec import USER
from reports.answers import answers
from reports.columns import SEEN, SEEN_NOTE, audit_notes, mark_notes, seen
from reports.lists import few
from reports.numbers import NOTHING, label, points
from reports.outcomes import Outcome, Outcomes, marked
from reports.table import Cell, Table
from studies.arms import FACTORIAL, LADDERS, pairs, reference
from studies.clusters import LEAST_CLUSTERS, Interval
from studies.spec import Study
from studies.verdicts import MARGIN, Judgement, Pair, Word, judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two arms under one protocol and what may be believed of their difference; `seeds` went into it."""

    before: Outcome
    after: Outcome
    seeds: int
    judgement: Judgement


def differences(study: Outcomes, protocol: str) -> tuple[Difference, ...]:
    """The family of comparisons of a study under one protocol, those that both arms have finished."""
    rows = {row.arm.name: row for row in study.under(protocol)}
    family = pairs(study.study.arms, design=study.study.design)
    return judge([(rows[before.name], rows[after.name]) for before, after in family])


def judge(couples: Sequence[tuple[Outcome, Outcome]]) -> tuple[Difference, ...]:
    """A family of (before, after) under one protocol, those couples that have a seed in common."""
    found: list[tuple[Outcome, Outcome, int]] = []
    family: list[Pair] = []
    for before, after in couples:
        both = answers((before, after))
        if both is None:
            continue
        counted = both.won_and_lost(before.arm.name, after.arm.name)
        interval = both.contrast({after.arm.name: 1.0, before.arm.name: -1.0})
        found.append((before, after, both.seeds))
        family.append(
            Pair(
                first=before.arm.name,
                second=after.arm.name,
                difference=interval.estimate,
                wins=counted[0] if counted else None,
                losses=counted[1] if counted else None,
                interval=interval,
                collapsed=before.collapsed_throughout and after.collapsed_throughout,
            )
        )
    independent = bool(found) and found[0][0].unit == "clips"
    return tuple(
        Difference(before=before, after=after, seeds=seeds, judgement=judgement)
        for (before, after, seeds), judgement in zip(
            found, judged(family, independent=independent), strict=True
        )
    )


def difference_table(study: Outcomes) -> Table | None:
    """Every comparison of the study's family under every protocol; None where there is none to make."""
    rows = [_row(found) for protocol in study.study.protocols for found in differences(study, protocol)]
    if not rows:
        return None
    return Table(
        id=f"differences-{study.study.name}",
        title="Differences of accuracy in points, and whether they are more than chance",
        header=(
            "From",
            "To",
            "Protocol",
            "Difference",
            "95 % interval",
            "Won–lost",
            "p (McNemar)",
            "p",
            "p (Holm)",
            "Verdict",
            *SEEN,
        ),
        rows=tuple(rows),
        notes=(
            f"Family of a protocol: {family_in_words(study.study)}. Difference: To minus From on the same "
            "samples, averaged over the seeds per sample first.",
            "Interval and p: by resampling the subjects, which are what is independent here; none below "
            f"{LEAST_CLUSTERS} subjects, where exact McNemar over clips stands in. p (Holm): adjusted for "
            "the family.",
            "Verdict: better or worse at p (Holm) < 0.05; no difference shown: the interval stays within "
            f"±{100 * MARGIN:g} points, and the samples are enough to show it; both collapsed: neither has "
            "learned anything, so nothing is compared and the pair is no part of the family; else too small "
            "a test to tell.",
            SEEN_NOTE,
            *audit_notes(study.rows),
            *mark_notes(study.rows),
        ),
    )


def family_in_words(study: Study) -> str:
    """What is set against what."""
    if study.design not in (*LADDERS, FACTORIAL):
        return f"each arm against {reference(study.arms, design=study.design).name}"
    rungs = ["each rung against the one before"] if study.design in LADDERS else []
    family = pairs(study.arms, design=study.design)
    own = [f"{before.name} against {after.name}" for before, after in family if before.network == USER]
    return ", ".join((*rungs, *own))


def _row(found: Difference) -> tuple[Cell, ...]:
    before, after, verdict = found.before, found.after, found.judgement
    keys = (*before.keys, *after.keys)
    pair = verdict.pair
    counted = NOTHING if pair.wins is None else f"{pair.wins}–{pair.losses}"
    return (
        label(before.name),
        label(after.name),
        label(after.protocol),
        Cell(text=points(100 * pair.difference), value=100 * pair.difference, run_keys=keys),
        label(NOTHING if pair.collapsed else span(pair.interval)),
        label(counted),
        _p(pair.mcnemar, keys),
        _p(verdict.p, keys),
        _p(verdict.adjusted, keys),
        label(verdict.word),
        *seen(after),
    )


def span(interval: Interval) -> str:
    """An interval of shares in points, or a dash where there is none."""
    if interval.low is None or interval.high is None:
        return NOTHING
    return f"{points(100 * interval.low)} to {points(100 * interval.high)}"


def _p(p: float | None, keys: tuple[str, ...]) -> Cell:
    if p is None:
        return label(NOTHING)
    return Cell(text="<0.001" if p < 0.001 else f"{p:.3f}", value=p, run_keys=keys)


def in_words(study: Outcomes, protocol: str) -> Iterator[str]:
    """The verdicts under a protocol as a sentence, one group a verdict, the largest differences first.

    Nothing where nothing is compared.
    """
    found = sorted(
        differences(study, protocol), key=lambda each: abs(each.judgement.pair.difference), reverse=True
    )
    groups: dict[Word, list[str]] = {}
    for each in found:
        groups.setdefault(each.judgement.word, []).append(_told(each))
    if groups:
        told = "; ".join(f"{word}: {few(groups[word])}" for word in get_args(Word) if word in groups)
        yield f"Under {protocol}, in points of accuracy: {told}."


def _told(found: Difference) -> str:
    before, after, pair = found.before, found.after, found.judgement.pair
    if pair.collapsed:
        return f"{after.arm.name} and {before.arm.name}"
    names = (marked(row.arm.name, row.collapse) for row in (after, before))
    gain = f"{' over '.join(names)} {points(100 * pair.difference)}"
    return gain if pair.interval.low is None else f"{gain} [{span(pair.interval)}]"
