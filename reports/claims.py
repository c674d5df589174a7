"""The paper's claims as a table: its number, ours, and verdicts on its own split and on unseen people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from reports.claim_checks import CHECKS, Finding
from reports.numbers import NOTHING, label
from reports.outcomes import Outcomes
from reports.table import Table
from studies.claims import CLAIMS
from studies.paper import PAPER

STRICT = ("loso", "kfold", "subject")


def claim_table(studies: Sequence[Outcomes]) -> Table | None:
    """Every claim with the paper's number, ours and a verdict; None if no study is on the paper's sets."""
    if not any(study.study.dataset.name in PAPER for study in studies):
        return None
    strict = next((p for p in STRICT if any(p in study.study.protocols for study in studies)), None)
    protocols = ("frame", strict) if strict else ("frame",)
    found = {(claim.id, p): CHECKS[claim.id](studies, p) for claim in CLAIMS for p in protocols}
    header = chain.from_iterable((f"Ours, {p}", f"Verdict, {p}") for p in protocols)
    return Table(
        id="claims",
        title="The paper's claims",
        header=("Claim", "What", "Paper", *header),
        rows=tuple(
            (
                *map(label, (claim.id, claim.text, claim.paper or NOTHING)),
                *(label(text) for p in protocols for text in _shown(found[claim.id, p])),
            )
            for claim in CLAIMS
        ),
        notes=(
            *_reasons(found),
            "Under frame, the paper's split, the test frames have their clips in training; "
            + (
                "the other verdict is about people never seen."
                if strict
                else "--protocol loso would ask about people never seen."
            ),
        ),
    )


def _shown(finding: Finding) -> tuple[str, str]:
    return finding.ours, finding.word


def _reasons(found: dict[tuple[str, str], Finding]) -> Iterator[str]:
    """Why, grouped by the reason."""
    grouped: dict[str, list[str]] = {}
    for (claim, protocol), finding in found.items():
        if finding.why:
            grouped.setdefault(finding.why, []).append(f"{claim} ({protocol})")
    for why, claims in grouped.items():
        yield f"{', '.join(claims)}: {why}."
