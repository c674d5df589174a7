"""Which arm is better than which, how sure that is, and why there is no verdict where there is none.

Paired throughout: two arms are compared on the test units and trainings that both have. `studies.statistics`
says how the interval, the p and the verdict come about. Two arms that both collapsed are no part of the
family. The null arm stands against the arm that it repeats, in a family of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from architectures.spec import USER
from reports.columns import SEEN, SEEN_NOTE, audit_notes, mark_notes, seen
from reports.lists import few
from reports.numbers import NOTHING, label, points
from reports.outcomes import Outcome, Outcomes, marked
from reports.pairing import Paired, Training, pair_up
from reports.table import Cell, Table
from studies.arms import FACTORIAL, LADDERS, null_pair, pairs, reference
from studies.metrics import METRIC_NAMES
from studies.spec import Metric, Study
from studies.statistics.mcnemar import exact
from studies.statistics.verdicts import MIN_TRAININGS, Estimate, Verdict, Word, decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two arms under one protocol: the second's metric less the first's, and the verdict on it.

    `estimate` is None where both arms collapsed, or where there is an obstacle to any verdict. `wins` and
    `losses` count the units that only the second, and only the first, answered right in a single training.
    """

    before: Outcome
    after: Outcome
    trainings: int
    value: float
    estimate: Estimate | None
    verdict: Verdict
    wins: int | None = None
    losses: int | None = None

    @property
    def mcnemar(self) -> float | None:
        """Exact McNemar's p of the wins and losses of a single training; it decides nothing."""
        if self.wins is None or self.losses is None or self.verdict.word == "both collapsed":
            return None
        return exact(self.wins, self.losses)

    @property
    def text(self) -> str:
        """The estimate in points with its interval: "+3.10 [+0.20 to +6.00]"."""
        gain = points(100 * self.value)
        return f"{gain} [{span(self.estimate)}]" if self.estimate and self.estimate.low is not None else gain


SINGLE_SUBJECT = "the test has a single subject"
"""The obstacle where there are no subjects to compare."""

PLAN_STATES = {
    "confirmatory": "pairs, metric, margin, protocols and seeds were logged before the first cell ran "
    "(--plan)",
    "exploratory": "no analysis plan was logged before the first cell ran (--save-plan, then --plan)",
}


def plan_state(study: Outcomes) -> str:
    """Whether the study's verdicts are confirmatory or exploratory (`studies.analysis_plan`)."""
    return "confirmatory" if study.result.confirmatory else "exploratory"


def differences(study: Outcomes, protocol: str, *, metric: Metric | None = None) -> tuple[Difference, ...]:
    """The family of comparisons of a study under one protocol, as far as both arms have finished.

    `metric` is the study's unless another is given.
    """
    rows = {row.arm.name: row for row in study.under(protocol)}
    pairings = pairs(study.study.arms, design=study.study.design)
    family = [(rows[before.name], rows[after.name]) for before, after in pairings]
    return judge(family, metric=metric or study.study.metric, margin=study.study.margin)


def null_difference(study: Outcomes, protocol: str) -> Difference | None:
    """The null arm against the arm that it repeats; None without a null arm."""
    rows = {row.arm.name: row for row in study.under(protocol)}
    couple = null_pair(study.study.arms)
    if couple is None:
        return None
    first, second = (rows[arm.name] for arm in couple)
    found = judge([(first, second)], metric=study.study.metric, margin=study.study.margin)
    return found[0] if found else None


def judge(
    couples: Sequence[tuple[Outcome, Outcome]], *, metric: Metric, margin: float
) -> tuple[Difference, ...]:
    """A family of (before, after) under one protocol, those couples that have a training in common.

    Couples that both collapsed, or that an obstacle leaves without a verdict, are no part of the family. The
    others are tested together where they share their trainings.
    """
    found: dict[int, Difference] = {}
    groups: dict[tuple[Training, ...], list[int]] = {}
    for number, couple in enumerate(couples):
        paired = pair_up(couple, metric)
        if paired is None:
            continue
        collapsed = all(row.collapsed_throughout for row in couple)
        if collapsed or paired.obstacle:
            verdict = decide(None, margin=margin, collapsed=collapsed, obstacle=paired.obstacle)
            found[number] = _difference(couple, paired, estimate=None, verdict=verdict)
        else:
            groups.setdefault(paired.trainings, []).append(number)
    family = sum(map(len, groups.values()))
    for members in groups.values():
        rows = list({id(row): row for number in members for row in couples[number]}.values())
        paired = pair_up(rows, metric)
        assert paired is not None
        estimates = paired.compare([_gain(couples[number]) for number in members], family=family)
        for number, estimate in zip(members, estimates, strict=True):
            verdict = decide(estimate, margin=margin, obstacle="" if estimate else SINGLE_SUBJECT)
            found[number] = _difference(couples[number], paired, estimate=estimate, verdict=verdict)
    return tuple(found[number] for number in sorted(found))


def _gain(couple: tuple[Outcome, Outcome]) -> dict[str, float]:
    before, after = couple
    return {after.arm.name: 1.0, before.arm.name: -1.0}


def _difference(
    couple: tuple[Outcome, Outcome], paired: Paired, *, estimate: Estimate | None, verdict: Verdict
) -> Difference:
    before, after = couple
    wins, losses = paired.wins_and_losses(before.arm.name, after.arm.name) or (None, None)
    return Difference(
        before=before,
        after=after,
        trainings=len(paired.trainings),
        value=paired.value(_gain(couple)),
        estimate=estimate,
        verdict=verdict,
        wins=wins,
        losses=losses,
    )


def difference_table(study: Outcomes) -> Table | None:
    """Every comparison of the study's family under every protocol; None where there is none to make."""
    margin, metric = study.study.margin, METRIC_NAMES[study.study.metric]
    found = [each for protocol in study.study.protocols for each in differences(study, protocol)]
    nulls = [null_difference(study, protocol) for protocol in study.study.protocols]
    found += [null for null in nulls if null]
    if not found:
        return None
    return Table(
        id=f"differences-{study.study.name}",
        title=f"Differences of {metric} in points, with verdicts",
        header=(
            "From",
            "To",
            "Protocol",
            "Trainings",
            "Difference",
            "95 % interval",
            "p",
            "Wins–losses",
            "p (McNemar)",
            "Verdict",
            *SEEN,
        ),
        rows=tuple(_row(each, margin=margin) for each in found),
        notes=(
            f"Family of a protocol: {family_in_words(study.study) or 'none'}. Difference: {metric} of To "
            f"minus {metric} of From on the same test units.",
            "Interval and p: adjusted for the family; p < 0.05 if and only if the interval leaves out 0. "
            "They cover other subjects and other trainings, as far as the study varied them.",
            *_conditional_notes(found),
            f"These verdicts are {plan_state(study)}: {PLAN_STATES[plan_state(study)]}.",
            "Verdict: better or worse at p < 0.05; equivalent if the interval stays within "
            f"±{100 * margin:g} points; otherwise inconclusive.",
            *(_null_notes() if any(nulls) else ()),
            *_single_training_notes(found),
            SEEN_NOTE,
            *audit_notes(study.rows),
            *mark_notes(study.rows),
        ),
    )


def _conditional_notes(found: Sequence[Difference]) -> Iterator[str]:
    if any(each.estimate and each.estimate.conditional for each in found):
        yield (
            f"With fewer than {MIN_TRAININGS} trainings the interval and p are conditional on these trained "
            "networks: trained again, the same two architectures can differ by more."
        )


def _null_notes() -> Iterator[str]:
    yield (
        "The null arm is the same architecture trained with other seeds: its row shows what no difference "
        "looks like on these data. It is no part of the family."
    )


def _single_training_notes(found: Sequence[Difference]) -> Iterator[str]:
    if any(each.wins is not None for each in found):
        yield (
            "Wins–losses: test units that only To, and only From, answered right. McNemar's test takes units "
            "for independent and ignores the training, so it decides nothing."
        )


def family_in_words(study: Study) -> str:
    """Which arms are compared with which."""
    if study.design not in (*LADDERS, FACTORIAL):
        return f"each arm against {reference(study.arms, design=study.design).name}"
    rungs = ["each rung against the one before"] if study.design in LADDERS else []
    family = pairs(study.arms, design=study.design)
    own = [f"{after.name} against {before.name}" for before, after in family if after.network == USER]
    return ", ".join((*rungs, *own))


def _row(found: Difference, *, margin: float) -> tuple[Cell, ...]:
    before, after, estimate = found.before, found.after, found.estimate
    keys = (*before.keys, *after.keys)
    counted = NOTHING if found.wins is None else f"{found.wins}–{found.losses}"
    conditional = " (these networks only)" if estimate and estimate.conditional else ""
    interval = span(estimate)
    return (
        label(before.name),
        label(after.name),
        label(after.protocol),
        label(str(found.trainings)),
        Cell(text=points(100 * found.value), value=100 * found.value, run_keys=keys),
        label(interval if interval == NOTHING else f"{interval}{conditional}"),
        _p(estimate.p if estimate else None, keys),
        label(counted),
        _p(found.mcnemar, keys),
        label(found.verdict.text(margin)),
        *seen(after),
    )


def span(estimate: Estimate | None) -> str:
    """An interval of shares in points, or a dash where there is none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return NOTHING
    return f"{points(100 * estimate.low)} to {points(100 * estimate.high)}"


def _p(p: float | None, keys: tuple[str, ...]) -> Cell:
    if p is None:
        return label(NOTHING)
    return Cell(text="<0.001" if p < 0.001 else f"{p:.3f}", value=p, run_keys=keys)


def in_words(study: Outcomes, protocol: str) -> Iterator[str]:
    """The verdicts under a protocol as a sentence, one group a verdict, the largest differences first.

    Nothing where nothing is compared.
    """
    margin = study.study.margin
    found = sorted(differences(study, protocol), key=lambda each: abs(each.value), reverse=True)
    groups: dict[tuple[Word, str], list[str]] = {}
    for each in found:
        verdict = each.verdict
        text = f"{verdict.word}, {verdict.reason}" if verdict.reason else verdict.text(margin)
        groups.setdefault((verdict.word, text), []).append(_told(each))
    order = get_args(Word)
    ranked = sorted(groups, key=lambda group: order.index(group[0]))
    if ranked:
        told = "; ".join(f"{text}: {few(groups[word, text])}" for word, text in ranked)
        metric = METRIC_NAMES[study.study.metric]
        yield f"Under {protocol}, in points of {metric} ({plan_state(study)}): {told}."


def _told(found: Difference) -> str:
    before, after = found.before, found.after
    if found.verdict.word == "both collapsed":
        return f"{after.arm.name} and {before.arm.name}"
    names = (marked(row.arm.name, row.collapse) for row in (after, before))
    return f"{' over '.join(names)} {found.text}"
