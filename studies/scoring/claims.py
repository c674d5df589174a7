"""Compare claimed values with computed ones at the claimed digits, and name the metric that a value is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

from datasets.megc2019.clip_names import parse_set_name
from datasets.megc2019.constants import format_set_title
from datasets.text import sanitize, summarize_names
from studies.errors import StudyError
from studies.scoring.metric_values import MAIN_METRICS

FULL = "full"
"""Scope of all clips. The other scopes are the names of the sets."""

METRIC_ALIASES: Mapping[str, str] = {
    "uf1": "UF1",
    "f1": "UF1",
    "macrof1": "UF1",
    "uar": "UAR",
    "recall": "UAR",
    "macrorecall": "UAR",
    "accuracy": "accuracy",
    "acc": "accuracy",
    "war": "accuracy",
    "precision": "macro precision",
    "macroprecision": "macro precision",
}
"""Names of metrics in a claim, in lower case, letters and digits alone."""

_CLAIM = re.compile(
    r"(?:(?P<scope>[^:=]+):)?(?P<metric>[^:=]+)=\s*(?P<number>[0-9]*\.?[0-9]+)\s*(?P<percent>%?)\s*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedValue:
    """A value as a paper prints it: the metric's name there, and the number with its digits.

    `is_percent` says that the number is 100 times the metric.
    """

    scope: str
    metric: str
    number: str
    is_percent: bool

    @property
    def label(self) -> str:
        """Scope, metric and number for readers; the scope of all clips is left out."""
        scope = "" if self.scope == FULL else f"{format_set_title(self.scope)} "
        return f"{scope}{self.metric} {self.number}{' %' if self.is_percent else ''}"

    @property
    def num_decimals(self) -> int:
        """Number of digits after the point."""
        return len(self.number.partition(".")[2])

    def format_value(self, value: float) -> str:
        """Return a metric's value in 0..1 with the digits and in the unit of the claim."""
        return self._format(value, ROUND_HALF_UP)

    def is_rounded(self, value: float) -> bool:
        """Return True if the claimed number is `value`, rounded to its digits."""
        return Decimal(self._format(value, ROUND_HALF_UP)) == Decimal(self.number)

    def is_cut(self, value: float) -> bool:
        """Return True if the claimed number is `value`, cut to its digits."""
        return Decimal(self._format(value, ROUND_DOWN)) == Decimal(self.number)

    def _format(self, value: float, rounding: str) -> str:
        # Twelve digits remove the error of binary fractions, so that 0.5 and 0.29 round as in decimals.
        exact = Decimal(f"{(100 if self.is_percent else 1) * value:.12f}")
        text = str(exact.quantize(Decimal(1).scaleb(-self.num_decimals), rounding=rounding))
        return text.removeprefix("0") if self.number.startswith(".") and text.startswith("0.") else text


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedValueCheck:
    """The outcome of a claim, and the value of the claimed metric in its scope.

    `matches` holds (scope, metric) of other values equal to the number; () if the claim holds.
    """

    claim: ClaimedValue
    status: Literal["yes", "yes, cut", "no"]
    value: float
    matches: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The outcome in words."""
        value = self.claim.format_value(self.value)
        if self.status == "yes":
            return f"{self.claim.label}: yes"
        if self.status == "yes, cut":
            return f"{self.claim.label}: yes, cut off instead of rounded to {value}"
        names = " and ".join(
            f"the {metric}{'' if scope == self.claim.scope else f' of {_name_scope(scope)}'}"
            for scope, metric in self.matches
        )
        verdict = f"it is {names} {self.claim.number}" if names else "no metric computed here has this value"
        return f"{self.claim.label}: no; {verdict}; the {self.claim.metric} is {value}"


def _name_scope(scope: str) -> str:
    return "all clips" if scope == FULL else format_set_title(scope)


def parse_claims(texts: Sequence[str]) -> tuple[ClaimedValue, ...]:
    """Parse claims such as "UF1=.7353" and "casme2:UAR=81.9%". A number above 1 is a percentage.

    Raises:
        ValueError: A text is not a claim, it names an unknown metric, or its number is above 100 %.
    """
    return tuple(_parse_claim(text) for text in texts)


def _parse_claim(text: str) -> ClaimedValue:
    match = _CLAIM.fullmatch(text.strip())
    metric = METRIC_ALIASES.get(re.sub(r"[^a-z0-9]", "", match["metric"].lower())) if match else None
    if match is None or metric is None:
        raise StudyError(
            "claimed.invalid",
            "--claimed takes [SET:]METRIC=NUMBER, such as UF1=.7353 or casme2:UAR=81.9%; metrics: "
            f"{', '.join(MAIN_METRICS)}; got {sanitize(text)!r}",
        )
    is_percent = bool(match["percent"]) or Decimal(match["number"]) > 1
    has_digits = is_percent or "." in match["number"]
    if Decimal(match["number"]) > 100 or len(match["number"]) > 12 or not has_digits:
        raise StudyError(
            "claimed.number",
            "--claimed takes a number from 0 to 1 with the printed digits, such as .7353, or a percentage; "
            f"got {sanitize(text)!r}",
        )
    scope = parse_set_name(match["scope"]) if match["scope"] else FULL
    return ClaimedValue(
        scope=FULL if scope.casefold() == FULL else scope,
        metric=metric,
        number=match["number"],
        is_percent=is_percent,
    )


def check_claim(claim: ClaimedValue, values_by_scope: Mapping[str, Mapping[str, float]]) -> ClaimedValueCheck:
    """Compare a claim with the values of its metric; search the other metrics if it does not hold.

    The metrics of the claim's scope come first. Other scopes are searched only if no metric of the claim's
    scope has the number.

    Raises:
        StudyError: The predictions have no clips of the claim's scope.
    """
    if claim.scope not in values_by_scope:
        raise StudyError(
            "claimed.unknown-set",
            f"--claimed names the set {sanitize(claim.scope)!r}; the predictions have "
            f"{summarize_names(list(values_by_scope))}",
        )
    value = values_by_scope[claim.scope][claim.metric]
    if claim.is_rounded(value):
        return ClaimedValueCheck(claim=claim, status="yes", value=value)
    if claim.is_cut(value):
        return ClaimedValueCheck(claim=claim, status="yes, cut", value=value)
    matches = [
        (scope, metric)
        for scope, values in values_by_scope.items()
        for metric, other_value in values.items()
        if claim.is_rounded(other_value)
    ]
    own_matches = [(scope, metric) for scope, metric in matches if scope == claim.scope]
    return ClaimedValueCheck(claim=claim, status="no", value=value, matches=tuple(own_matches or matches))
