"""Rules that judge a claim of the paper by the measurements of the runs.

A claim rests on one or more items of one kind, such as the comparisons with six other networks. A rule judges
each item; its `combination` defines how the verdicts of several items are combined.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Generic, Literal, TypeVar

from scipy.stats import binomtest

from datasets.text import pluralize
from reports.formatting import NO_VALUE, truncate_list
from studies.errors import StudyError
from studies.spec import DEFAULT_MARGIN
from studies.statistics.comparison import ALPHA
from studies.statistics.verdicts import Estimate, Verdict

ClaimVerdict = Literal["reproduced", "not reproduced", "undecidable at this n", "not testable here"]

Combination = Literal["one", "every", "agree"]

COMBINATION_TEXTS: Mapping[Combination, str] = {
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

MIN_SIGN_TEST_TRAININGS = ceil(-log2(ALPHA))
"""Fewest trainings with which a one-sided sign test can reach p < 0.05: five, where p = 1/32."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """The result for one claim under one protocol.

    `measured_text` is the measured value as text, `reason` explains the verdict, and `remark` states how the
    value was measured. `run_keys` are the keys of the runs that were measured.
    """

    measured_text: str
    verdict: ClaimVerdict
    reason: str = ""
    remark: str = ""
    run_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement(Generic[Item]):
    """The measured value as text, the items that a rule judges, and a remark on how they were measured.

    `run_keys` are the keys of the measured runs; () if the value needs no run.
    """

    text: str
    items: tuple[Item, ...]
    run_keys: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A score, or a difference of two networks, with its interval and the verdict on its difference from 0.

    `paper_value` is the paper's number as a share, None if the paper prints none.
    """

    name: str
    estimate: Estimate | None
    verdict: Verdict
    paper_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSigns:
    """For each training, whether it supports the claim; `obstacle` is the reason if no test is possible."""

    name: str
    supports_claim: tuple[bool, ...]
    obstacle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedValue:
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
    """Base class of the rules.

    A subclass implements `judge_item`. Its docstring is the description that docs/claims.md repeats.
    """

    combination: Combination = "one"

    @property
    def description(self) -> str:
        """Return the rule as text: the docstring of the class, then the combination."""
        text = " ".join((inspect.getdoc(type(self)) or "").split())
        return f"{text} {COMBINATION_TEXTS[self.combination]}".strip()

    def judge_item(self, item: Item) -> ItemResult:
        """Judge one item.

        Raises:
            NotImplementedError: the subclass does not implement the method.
        """
        raise NotImplementedError

    def judge(self, measurement: Measurement[Item]) -> ClaimResult:
        """Judge a claim by its items.

        Raises:
            StudyError: the measurement has no item, or several items for a rule that takes one.
        """
        results = [self.judge_item(item) for item in measurement.items]
        if not results or (self.combination == "one" and len(results) > 1):
            accepted_count = "exactly one item" if self.combination == "one" else "at least one item"
            raise StudyError("claim.item-count", f"the rule judges {accepted_count}; got {len(results)}")
        return ClaimResult(
            measured_text=measurement.text,
            verdict=_combine_verdicts(results, self.combination),
            reason=_combine_reasons(results),
            remark=measurement.remark,
            run_keys=measurement.run_keys,
        )


def make_not_testable_result(
    reason: str, *, measured_text: str = NO_VALUE, run_keys: tuple[str, ...] = ()
) -> ClaimResult:
    """Return the result of a claim that these studies cannot test."""
    return ClaimResult(
        measured_text=measured_text, verdict="not testable here", reason=reason, run_keys=run_keys
    )


def make_undecidable_result(reason: str, *, measured_text: str, run_keys: tuple[str, ...]) -> ClaimResult:
    """Return the result of a claim that these studies measure but cannot decide."""
    return ClaimResult(
        measured_text=measured_text, verdict="undecidable at this n", reason=reason, run_keys=run_keys
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualityRule(Rule[str]):
    """The value is computed without any run. It is reproduced if it equals the printed value.

    A value from which the network was derived does not test the claim.
    """

    paper_value: str
    derivation_reason: str = ""
    """Why equality does not test the claim; "" if it does."""

    def judge_item(self, item: str) -> ItemResult:
        """Compare the computed value with the printed one."""
        if item != self.paper_value:
            return ItemResult(name=item, verdict="not reproduced")
        if self.derivation_reason:
            return ItemResult(
                name=item, verdict="not testable here", reason=f"not a test: {self.derivation_reason}"
            )
        return ItemResult(name=item, verdict="reproduced")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperLimitRule(Rule[LimitedValue]):
    """The measured value is reproduced if it does not exceed its limit."""

    def judge_item(self, item: LimitedValue) -> ItemResult:
        """Compare the value with its limit."""
        return ItemResult(
            name=item.name,
            verdict="reproduced" if item.value <= item.limit else "not reproduced",
            reason=f"{item.name} is {item.value:.1f} {item.unit}, the limit is {item.limit:.1f} {item.unit}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRule(Rule[Quantity]):
    """The 95 % interval over subjects and trainings contains the printed number, and the estimate is near it.

    Near means within 5 points, so that a wide interval alone does not reproduce a claim. A printed gain must
    also have the verdict "better"; the verdict "equivalent" opposes the claim. An interval that does not
    contain the printed number opposes it too.
    """

    margin: float = DEFAULT_MARGIN

    def judge_item(self, item: Quantity) -> ItemResult:
        """Compare the interval with the printed number."""
        estimate = item.estimate
        if estimate is None or estimate.low is None or estimate.high is None or _has_no_verdict(item.verdict):
            return _make_undecided_result(item.name, _explain_missing_verdict(item.verdict))
        if item.paper_value is None:
            raise StudyError(
                "claim.no-printed-number",
                f"this rule needs the number that the paper prints; {item.name} has none: use another rule",
            )
        # If all n units agree, an outcome seen in none of them may still have a rate of up to 3/n: see
        # `Estimate.is_equivalent`.
        slack = 3 / estimate.unit_count if estimate.low == estimate.high else 0.0
        if not estimate.low - slack <= item.paper_value <= estimate.high + slack:
            return _make_opposing_result(item.name, "the interval does not contain the paper's number")
        if item.verdict.label == "equivalent":
            return _make_opposing_result(item.name, "the difference is equivalent to 0")
        if item.verdict.label == "inconclusive":
            return _make_undecided_result(item.name, "the interval contains both the paper's number and 0")
        if abs(estimate.value - item.paper_value) > self.margin:
            reason = (
                "the interval contains the paper's number, but the estimate is over "
                f"{100 * self.margin:g} points away"
            )
            return _make_undecided_result(item.name, reason)
        return ItemResult(
            name=item.name, verdict="reproduced", reason="the interval contains the paper's number"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperiorityRule(Rule[Quantity]):
    """A comparison with the verdict "better" supports the claim; "worse" and "equivalent" oppose it."""

    def judge_item(self, item: Quantity) -> ItemResult:
        """Translate the verdict of one comparison."""
        if item.verdict.label == "better":
            return ItemResult(name=item.name, verdict="reproduced")
        if item.verdict.label in ("worse", "equivalent"):
            return _make_opposing_result(item.name, item.verdict.label)
        return _make_undecided_result(item.name, _explain_missing_verdict(item.verdict))


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInferiorityRule(Rule[Quantity]):
    """A comparison with the verdict "better" or "equivalent" supports the claim; "worse" opposes it."""

    def judge_item(self, item: Quantity) -> ItemResult:
        """Translate the verdict of one comparison."""
        if item.verdict.label in ("better", "equivalent"):
            return ItemResult(name=item.name, verdict="reproduced", reason=item.verdict.label)
        if item.verdict.label == "worse":
            return _make_opposing_result(item.name, "worse")
        return _make_undecided_result(item.name, _explain_missing_verdict(item.verdict))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTestRule(Rule[TrainingSigns]):
    """Each training (a split and a seed, over all its folds) supports the claim or does not.

    An exact one-sided sign test over the trainings decides at p < 0.05. With five trainings it decides only
    if all support the claim, or none. The result holds for other trainings on the same data set.
    """

    def judge_item(self, item: TrainingSigns) -> ItemResult:
        """Test the number of supporting trainings against one half."""
        if item.obstacle:
            return _make_undecided_result(item.name, item.obstacle)
        training_count, support_count = len(item.supports_claim), sum(item.supports_claim)
        if training_count < MIN_SIGN_TEST_TRAININGS:
            trainings_text = pluralize(training_count, "training")
            return _make_undecided_result(item.name, f"{trainings_text} (at least {MIN_SIGN_TEST_TRAININGS})")
        p_greater, p_less = (
            float(binomtest(support_count, training_count, alternative=side).pvalue)
            for side in ("greater", "less")
        )
        p = min(p_greater, p_less)
        reason = f"{support_count} of {training_count} trainings support the claim (sign test, p = {p:.3f})"
        if p >= ALPHA:
            return _make_undecided_result(item.name, reason)
        verdict: ClaimVerdict = "reproduced" if p_greater < p_less else "not reproduced"
        return ItemResult(name=item.name, verdict=verdict, reason=reason)


def _make_opposing_result(name: str, reason: str) -> ItemResult:
    return ItemResult(name=name, verdict="not reproduced", reason=reason)


def _make_undecided_result(name: str, reason: str) -> ItemResult:
    return ItemResult(name=name, verdict="undecidable at this n", reason=reason)


def _has_no_verdict(verdict: Verdict) -> bool:
    return verdict.label in ("no verdict", "both collapsed")


def _explain_missing_verdict(verdict: Verdict) -> str:
    return verdict.reason or (
        "both networks collapsed" if verdict.label == "both collapsed" else verdict.label
    )


def _combine_verdicts(results: Sequence[ItemResult], combination: Combination) -> ClaimVerdict:
    verdicts = {result.verdict for result in results}
    if len(verdicts) == 1:
        return results[0].verdict
    if combination == "every" and "not reproduced" in verdicts:
        return "not reproduced"
    return "undecidable at this n"


def _combine_reasons(results: Sequence[ItemResult]) -> str:
    """Return the reason that all items share if none is decided, else the counts and each reason."""
    is_undecided = all(result.verdict == "undecidable at this n" for result in results)
    if len(results) == 1 or (is_undecided and len({result.reason for result in results}) == 1):
        return results[0].reason
    names_by_reason: dict[str, list[str]] = {}
    for result in results:
        if result.verdict != "reproduced":
            names_by_reason.setdefault(result.reason, []).append(result.name)
    counts = (
        f"{_count_verdicts(results, 'reproduced')} of {len(results)} comparisons support the claim, "
        f"{_count_verdicts(results, 'not reproduced')} oppose it"
    )
    details = "; ".join(f"{reason}: {truncate_list(names)}" for reason, names in names_by_reason.items())
    return f"{counts} ({details})" if details else counts


def _count_verdicts(results: Sequence[ItemResult], verdict: ClaimVerdict) -> int:
    return sum(result.verdict == verdict for result in results)
