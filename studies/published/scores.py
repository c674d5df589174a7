"""Read the published values, one per line of scores.csv, with their status and the evidence for it.

A value is evidence about a method only if its clip list, its metric and its choice of the training epoch are
known. Each row therefore names what is known, and the file of a public repository that shows it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, cast

from datasets.megc2019.constants import COMPOSITE, SETS, SetCounts
from studies.scoring.claims import FULL

SCORES_FILE = Path(__file__).with_name("scores.csv")

Status = Literal["log scored again", "metric mislabelled", "selected on test", "unverifiable"]

STATUS_MEANINGS: Mapping[Status, str] = {
    "log scored again": "a public log of the predictions gives the printed value",
    "metric mislabelled": "a public log of the predictions gives the printed value as another metric",
    "selected on test": "the public code keeps the epoch with the best score on the test subject",
    "unverifiable": "no public log or code shows how the value came about",
}

SelectionRule = Literal["best epoch on the test subject", "fixed epochs", "validation", "not stated"]
"""How the training epoch whose predictions count is chosen in each fold."""

SELECTION_ON_TEST: SelectionRule = "best epoch on the test subject"

_REPOSITORY_FILE = re.compile(
    r"(?P<repository>[\w.-]+/[\w.-]+)(?: at (?P<commit>[0-9a-f]{7,40}))?: (?P<file>.+?)"
    r"(?:, lines (?P<lines>\d+-\d+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFile:
    """A file of a public GitHub repository; `commit` is "" if unknown, `lines` for the whole file."""

    repository: str
    commit: str
    file: str
    lines: str

    @property
    def text(self) -> str:
        """The form in scores.csv, such as "owner/name at 1afb56e: main.py, lines 163-214"."""
        commit = f" at {self.commit}" if self.commit else ""
        lines = f", lines {self.lines}" if self.lines else ""
        return f"{self.repository}{commit}: {self.file}{lines}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScore:
    """A published value of a method, or a method of which no value is listed.

    Attributes:
        method: Name of the method in the literature.
        dataset: Data set of the catalogue whose clips were predicted; "" without a value.
        scope: "full", or the part of the composite over which the value is taken; "" without a value.
        clips: Number of clips in the scope; None without a value.
        metric: The metric as the publication names it; "" without a value.
        printed: The value in [0, 1] with its printed digits; None without a value.
        recomputed: The value of `metric` in [0, 1] from the method's public log; None without a log.
        metric_in_truth: The metric that the printed value is; for an unverifiable value, what its source says
            or "unknown"; "" without a value.
        selection_rule: How the training epoch is chosen.
        status: What the evidence shows.
        evidence: The file that shows the status, or the source of an unverifiable value; None without one.
        selection_evidence: The file that shows the selection rule; None if `evidence` shows it or the rule is
            not stated.
        remark: A further fact in plain text; "" for none.
    """

    method: str
    dataset: str
    scope: str
    clips: int | None
    metric: str
    printed: Decimal | None
    recomputed: Decimal | None
    metric_in_truth: str
    selection_rule: SelectionRule
    status: Status
    evidence: RepositoryFile | None
    selection_evidence: RepositoryFile | None
    remark: str


@cache
def load_published_scores() -> tuple[PublishedScore, ...]:
    """Return the rows of scores.csv in order."""
    with SCORES_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(map(_parse_row, csv.DictReader(file, strict=True)))


def get_official_counts(scope: str) -> SetCounts:
    """Return the official counts of the composite or of one of its parts."""
    return COMPOSITE if scope == FULL else SETS[scope]


def list_comparable_scores(scope: str) -> tuple[PublishedScore, ...]:
    """Return the values that are computed from a log over the official number of clips of a scope.

    Those whose epoch was chosen on the test subject are left out.
    """
    return tuple(
        score
        for score in load_published_scores()
        if score.scope == scope
        and score.recomputed is not None
        and score.clips == get_official_counts(scope).num_clips
        and score.selection_rule != SELECTION_ON_TEST
    )


def _parse_row(row: Mapping[str, str]) -> PublishedScore:
    return PublishedScore(
        method=row["method"],
        dataset=row["dataset"],
        scope=row["scope"],
        clips=int(row["clips"]) if row["clips"] else None,
        metric=row["metric"],
        printed=_parse_value(row["printed"]),
        recomputed=_parse_value(row["recomputed"]),
        metric_in_truth=row["metric_in_truth"],
        selection_rule=cast("SelectionRule", row["selection_rule"]),
        status=cast("Status", row["status"]),
        evidence=parse_repository_file(row["evidence"]),
        selection_evidence=parse_repository_file(row["selection_evidence"]),
        remark=row["remark"],
    )


def _parse_value(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def parse_repository_file(text: str) -> RepositoryFile | None:
    """Return the file that a text in the form of `RepositoryFile.text` names; None for ""."""
    if not text:
        return None
    match = _REPOSITORY_FILE.fullmatch(text)
    assert match, f"scores.csv: {text!r} is not OWNER/NAME[ at COMMIT]: FILE[, lines FIRST-LAST]"
    return RepositoryFile(
        repository=match["repository"],
        commit=match["commit"] or "",
        file=match["file"],
        lines=match["lines"] or "",
    )
