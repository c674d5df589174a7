"""Rules that judge a claim of the paper by what the runs measure.

A claim rests on one or more items of the same kind, such as the comparisons with six other networks. A rule
judges each item, and its `combination` says how the verdicts of several items become one.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Generic, Literal, TypeVar

from scipy.stats import binomtest

from reports.lists import few
from reports.numbers import NOTHING
from studies.spec import MARGIN
from studies.statistics.comparison import ALPHA
from studies.statistics.verdicts import Estimate, Verdict

ClaimVerdict = Literal["reproduced", "not reproduced", "undecidable at this n", "not testable here"]

Combination = Literal["one", "every", "agree"]

COMBINATIONS: Mapping[Combination, str] = {
    "one": "",
    "every": (
        "The claim is reproduced if every comparison supports it, not reproduced if at least one opposes it, "
        "and undecidable otherwise."
    ),
    "agree": (
        "The claim is reproduced if all comparisons support it, not reproduced if all oppose it, and "
        "undecidable otherwise."
    ),
}

MIN_SIGNS = ceil(-log2(ALPHA))
"""Fewest trainings that can decide a one-sided sign test at p < 0.05: five, with p = 1/32."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """What the runs show of one claim under one protocol.

    `measured` is the measured value in words, `reason` explains the verdict, and `remark` tells how the value
    was measured.
    """

    measured: str
    verdict: ClaimVerdict
    reason: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement(Generic[Item]):
    """The measured value in words, the items that a rule judges, and a remark on how they were measured."""

    text: str
    items: tuple[Item, ...]
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A score or a difference of two networks, its interval, and the verdict on its difference from 0.

    `printed` is the paper's number as a share, None where the paper prints none.
    """

    name: str
    estimate: Estimate | None
    verdict: Verdict
    printed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """For each training, whether it supports the claim; `obstacle` says why the trainings decide nothing."""

    name: str
    supports: tuple[bool, ...]
    obstacle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """A measured value and its upper limit, both in `unit`."""

    name: str
    value: float
    limit: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The verdict on one item and the reason for it."""

    name: str
    verdict: ClaimVerdict
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[Item]):
    """Base class of the rules: a subclass implements `judge_item`, and its docstring is the rule's text."""

    combination: Combination = "one"

    @property
    def text(self) -> str:
        """The rule in words, as the documentation prints it."""
        text = " ".join((inspect.getdoc(type(self)) or "").split())
        return f"{text} {COMBINATIONS[self.combination]}".strip()

    def judge_item(self, item: Item) -> ItemResult:
        """Judge one item.

        Raises:
            NotImplementedError: the subclass does not implement the method.
        """
        raise NotImplementedError

    def judge(self, measurement: Measurement[Item]) -> ClaimResult:
        """Judge a claim by its items, at least one.

        Raises:
            ValueError: no item, or several items for a rule that takes one.
        """
        results = [self.judge_item(item) for item in measurement.items]
        if not results or (self.combination == "one" and len(results) > 1):
            accepted = "exactly one item" if self.combination == "one" else "at least one item"
            raise ValueError(f"the rule judges {accepted}; got {len(results)}")
        return ClaimResult(
            measured=measurement.text,
            verdict=_combine(results, self.combination),
            reason=_combine_reasons(results),
            remark=measurement.remark,
        )


def not_testable(reason: str, *, measured: str = NOTHING) -> ClaimResult:
    """Return the result of a claim that these studies cannot test."""
    return ClaimResult(measured=measured, verdict="not testable here", reason=reason)


def undecidable(reason: str, *, measured: str) -> ClaimResult:
    """Return the result of a claim that these studies measure and cannot decide."""
    return ClaimResult(measured=measured, verdict="undecidable at this n", reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact(Rule[str]):
    """The value is computed without any run. It is reproduced if it equals the printed value.

    A value from which the network was derived is no test of the claim.
    """

    printed: str
    derived: str = ""
    """Why equality is no test; "" if it is one."""

    def judge_item(self, item: str) -> ItemResult:
        """Compare the computed value with the printed one."""
        if item != self.printed:
            return ItemResult(name=item, verdict="not reproduced")
        if self.derived:
            return ItemResult(name=item, verdict="not testable here", reason=f"not a test: {self.derived}")
        return ItemResult(name=item, verdict="reproduced")


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMost(Rule[Limited]):
    """The measured value is reproduced if it does not exceed its limit."""

    def judge_item(self, item: Limited) -> ItemResult:
        """Compare the value with its limit."""
        return ItemResult(
            name=item.name,
            verdict="reproduced" if item.value <= item.limit else "not reproduced",
            reason=f"{item.name} is {item.value:.1f} {item.unit}, the limit is {item.limit:.1f} {item.unit}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldsPrinted(Rule[Quantity]):
    """The 95 % interval over subjects and trainings holds the printed number, and the estimate is near it.

    Near is within 5 points, so that a wide interval reproduces nothing. A printed gain must also have the
    verdict "better"; the verdict "equivalent" contradicts it. An interval that leaves out the printed number
    contradicts it.
    """

    margin: float = MARGIN

    def judge_item(self, item: Quantity) -> ItemResult:
        """Compare the interval with the printed number."""
        found = item.estimate
        if found is None or found.low is None or found.high is None or _has_no_verdict(item.verdict):
            return _undecided(item.name, _no_verdict(item.verdict))
        if item.printed is None:
            raise ValueError(f"{item.name} has no printed number")
        # Where all units agree, what none of n units shows may still happen in 3/n of them (`is_within`).
        slack = 3 / found.units if found.low == found.high else 0.0
        if not found.low - slack <= item.printed <= found.high + slack:
            return _opposed(item.name, "the interval leaves out the paper's number")
        if item.verdict.word == "equivalent":
            return _opposed(item.name, "the difference is equivalent to 0")
        if item.verdict.word == "inconclusive":
            return _undecided(item.name, "the interval holds both the paper's number and 0")
        if abs(found.value - item.printed) > self.margin:
            reason = f"the interval holds the paper's number, which is over {100 * self.margin:g} points away"
            return _undecided(item.name, reason)
        return ItemResult(
            name=item.name, verdict="reproduced", reason="the interval holds the paper's number"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Better(Rule[Quantity]):
    """A comparison with the verdict "better" supports the claim; "worse" and "equivalent" oppose it."""

    def judge_item(self, item: Quantity) -> ItemResult:
        """Translate the verdict of one comparison."""
        if item.verdict.word == "better":
            return ItemResult(name=item.name, verdict="reproduced")
        if item.verdict.word in ("worse", "equivalent"):
            return _opposed(item.name, item.verdict.word)
        return _undecided(item.name, _no_verdict(item.verdict))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWorse(Rule[Quantity]):
    """A comparison with the verdict "better" or "equivalent" supports the claim; "worse" opposes it."""

    def judge_item(self, item: Quantity) -> ItemResult:
        """Translate the verdict of one comparison."""
        if item.verdict.word in ("better", "equivalent"):
            return ItemResult(name=item.name, verdict="reproduced", reason=item.verdict.word)
        if item.verdict.word == "worse":
            return _opposed(item.name, "worse")
        return _undecided(item.name, _no_verdict(item.verdict))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTest(Rule[Signs]):
    """Each training (a division and a seed, over all its folds) supports the claim or does not.

    An exact one-sided sign test over the trainings decides at p < 0.05: with five trainings, all must
    support the claim, or none. It holds for other trainings on the same data set.
    """

    def judge_item(self, item: Signs) -> ItemResult:
        """Test the number of supporting trainings against one half."""
        if item.obstacle:
            return _undecided(item.name, item.obstacle)
        n, supporting = len(item.supports), sum(item.supports)
        if n < MIN_SIGNS:
            trainings = "1 training" if n == 1 else f"{n} trainings"
            return _undecided(item.name, f"{trainings} (at least {MIN_SIGNS})")
        above, below = (
            float(binomtest(supporting, n, alternative=side).pvalue) for side in ("greater", "less")
        )
        p = min(above, below)
        reason = f"{supporting} of {n} trainings support the claim (sign test, p = {p:.3f})"
        if p >= ALPHA:
            return _undecided(item.name, reason)
        verdict: ClaimVerdict = "reproduced" if above < below else "not reproduced"
        return ItemResult(name=item.name, verdict=verdict, reason=reason)


def _opposed(name: str, reason: str) -> ItemResult:
    return ItemResult(name=name, verdict="not reproduced", reason=reason)


def _undecided(name: str, reason: str) -> ItemResult:
    return ItemResult(name=name, verdict="undecidable at this n", reason=reason)


def _has_no_verdict(verdict: Verdict) -> bool:
    return verdict.word in ("no verdict", "both collapsed")


def _no_verdict(verdict: Verdict) -> str:
    return verdict.reason or ("both networks collapsed" if verdict.word == "both collapsed" else verdict.word)


def _combine(results: Sequence[ItemResult], combination: Combination) -> ClaimVerdict:
    verdicts = {result.verdict for result in results}
    if len(verdicts) == 1:
        return results[0].verdict
    if combination == "every" and "not reproduced" in verdicts:
        return "not reproduced"
    return "undecidable at this n"


def _combine_reasons(results: Sequence[ItemResult]) -> str:
    """Return the reason that all items share if none is decided, else the counts and the other reasons."""
    undecided = all(result.verdict == "undecidable at this n" for result in results)
    if len(results) == 1 or (undecided and len({result.reason for result in results}) == 1):
        return results[0].reason
    names: dict[str, list[str]] = {}
    for result in results:
        if result.verdict != "reproduced":
            names.setdefault(result.reason, []).append(result.name)
    counts = (
        f"{_count(results, 'reproduced')} of {len(results)} comparisons support the claim, "
        f"{_count(results, 'not reproduced')} oppose it"
    )
    details = "; ".join(f"{reason}: {few(members)}" for reason, members in names.items())
    return f"{counts} ({details})" if details else counts


def _count(results: Sequence[ItemResult], verdict: ClaimVerdict) -> int:
    return sum(result.verdict == verdict for result in results)
