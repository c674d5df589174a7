"""The paper's claims as a table: its number, the runs' number, and verdicts by protocol."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import get_args

from reports.beside import departures
from reports.claims.catalogue import CLAIMS
from reports.claims.measures import on_paper_sets
from reports.claims.rules import ClaimResult, ClaimVerdict, not_testable
from reports.numbers import NOTHING, label
from reports.outcomes import Outcomes
from reports.table import Table

Results = Mapping[tuple[str, str], ClaimResult]
"""By claim and protocol."""

FACELESS = tuple(claim.id for claim in CLAIMS if not claim.uses_faces)
"""Claims whose result does not depend on the tested images."""

STRICT = ("loso", "kfold", "subject")


def claim_table(studies: Sequence[Outcomes]) -> Table | None:
    """Build the table of the claims that the runs bear on; None if no study is on the paper's sets."""
    results = _judge_claims(studies)
    if not results:
        return None
    untouched = {
        claim.id
        for claim in CLAIMS
        if all(result.measured == NOTHING for (name, _), result in results.items() if name == claim.id)
    }
    protocols = tuple(dict.fromkeys(protocol for _, protocol in results))
    header = chain.from_iterable((f"Ours, {p}", f"Verdict, {p}") for p in protocols)
    return Table(
        id="claims",
        title="The paper's claims",
        header=("Claim", "What", "Paper", *header),
        rows=tuple(
            (
                *map(label, (claim.id, claim.text, claim.paper or NOTHING)),
                *(label(text) for p in protocols for text in _cells(results[claim.id, p])),
            )
            for claim in CLAIMS
            if claim.id not in untouched
        ),
        notes=(
            *_reason_notes({key: result for key, result in results.items() if key[0] not in untouched}),
            *_untouched_notes(untouched),
            *_setting_notes(studies),
            "Under frame, the paper's split, the clips of the test frames are also in training. Under "
            "subject, kfold and loso no test subject is in training.",
        ),
    )


def claims_in_words(studies: Sequence[Outcomes]) -> tuple[str, ...]:
    """Count the verdicts, one sentence a protocol; () if no study is on the paper's sets."""
    results = _judge_claims(studies)
    return tuple(_count(protocol, results) for protocol in dict.fromkeys(p for _, p in results))


def _count(protocol: str, results: Results) -> str:
    split = "the paper's own split, frame" if protocol == "frame" else f"people never seen, {protocol}"
    names: dict[str, list[str]] = {verdict: [] for verdict in get_args(ClaimVerdict)}
    # A claim whose result does not depend on the images is counted once.
    first = next(iter(results))[1]
    for (claim, under), result in results.items():
        if under == protocol and (claim not in FACELESS or under == first):
            names[result.verdict].append(claim)
    claims = sum(map(len, names.values()))
    untestable = names.pop("not testable here")
    counts = [f"{len(ids)} {verdict} ({', '.join(ids)})" for verdict, ids in names.items() if ids]
    counts += [f"{len(untestable)} not testable here"] if untestable else []
    return f"On {split}: of {claims} claims {'; '.join(counts)}."


def _judge_claims(studies: Sequence[Outcomes]) -> Results:
    """Return every claim's result by id and protocol; {} if no study is on the paper's sets.

    Synthetic faces are used only if there are no others, and decide no claim that depends on faces.
    """
    available = on_paper_sets(studies)
    if not available:
        return {}
    real = [study for study in available if not study.drawn]
    strict = next((p for p in STRICT if any(p in study.study.protocols for study in available)), None)
    lenient = any("frame" in study.study.protocols for study in available)
    protocols = tuple(p for p, wanted in (("frame", lenient or not strict), (strict, strict)) if p and wanted)
    results = {(claim.id, p): claim.judge(real or available, p) for claim in CLAIMS for p in protocols}
    return results if real else {key: _without_faces(key[0], result) for key, result in results.items()}


def _without_faces(claim: str, result: ClaimResult) -> ClaimResult:
    if claim in FACELESS or result.verdict == "not testable here":
        return result
    return not_testable("the faces are synthetic", measured=result.measured)


def _cells(result: ClaimResult) -> tuple[str, str]:
    return result.measured, result.verdict


def _untouched_notes(untouched: Collection[str]) -> Iterator[str]:
    if untouched:
        names = ", ".join(claim.id for claim in CLAIMS if claim.id in untouched)
        yield (
            f"These runs do not test {names}: harness reproduce runs the studies that test them, on the "
            "data sets that it is given."
        )


def _setting_notes(studies: Sequence[Outcomes]) -> Iterator[str]:
    texts = dict.fromkeys(text for study in on_paper_sets(studies) for text in departures(study.study))
    if texts:
        yield f"Some or all verdicts come from settings that differ from the paper's: {'; '.join(texts)}."


def _reason_notes(results: Results) -> Iterator[str]:
    """Yield each reason and remark once, with the claims and protocols that it applies to."""
    protocols_of: dict[tuple[str, str], list[str]] = {}
    for (claim, protocol), result in results.items():
        for text in (result.reason, result.remark):
            if text:
                protocols_of.setdefault((text, claim), []).append(protocol)
    claims_of: dict[tuple[str, str], list[str]] = {}
    for (text, claim), protocols in protocols_of.items():
        claims_of.setdefault((text, ", ".join(protocols)), []).append(claim)
    for (text, where), claims in claims_of.items():
        yield f"{', '.join(claims)} ({where}): {text}."
