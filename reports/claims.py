"""The paper's claims as a table: its number, ours, and verdicts on its own split and on unseen people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import get_args

from reports.beside import departures
from reports.claim_checks import CHECKS
from reports.findings import Finding, not_here, on_papers_sets
from reports.numbers import NOTHING, label
from reports.outcomes import Outcomes
from reports.table import Table
from studies.claims import CLAIMS, Word

Findings = Mapping[tuple[str, str], Finding]
"""By claim and protocol."""

FACELESS = ("size", "size-vgg", "cost-block1", "real-time")
"""Claims that are the same whatever faces are looked at."""

STRICT = ("loso", "kfold", "subject")


def claim_table(studies: Sequence[Outcomes]) -> Table | None:
    """Claims with the paper's number, ours and a verdict, those that any of these runs bears on.

    None if no study is on the paper's sets.
    """
    found = _findings(studies)
    if not found:
        return None
    silent = {
        claim.id for claim in CLAIMS if all(f.ours == NOTHING for (c, _), f in found.items() if c == claim.id)
    }
    protocols = tuple(dict.fromkeys(protocol for _, protocol in found))
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
            if claim.id not in silent
        ),
        notes=(
            *_reasons({place: finding for place, finding in found.items() if place[0] not in silent}),
            *_left_out(silent),
            *_settings(studies),
            "Under frame, the paper's split, the test frames have their clips in training; under "
            "subject, kfold and loso nobody tested was seen.",
        ),
    )


def claims_in_words(studies: Sequence[Outcomes]) -> tuple[str, ...]:
    """How many claims came to which verdict, one text a protocol; () where there is no `claim_table`."""
    found = _findings(studies)
    return tuple(_counted(protocol, found) for protocol in dict.fromkeys(p for _, p in found))


def _counted(protocol: str, found: Findings) -> str:
    where = "the paper's own split, frame" if protocol == "frame" else f"people never seen, {protocol}"
    words: dict[str, list[str]] = {word: [] for word in get_args(Word)}
    # What is the same whatever faces are looked at is counted once.
    first = next(iter(found))[1]
    for (claim, under), finding in found.items():
        if under == protocol and (claim not in FACELESS or under == first):
            words[finding.word].append(claim)
    claims = sum(map(len, words.values()))
    untold = words.pop("not testable here")
    told = [f"{len(named)} {word} ({', '.join(named)})" for word, named in words.items() if named]
    told += [f"{len(untold)} not testable here"] if untold else []
    return f"On {where}: of {claims} claims {'; '.join(told)}."


def _findings(studies: Sequence[Outcomes]) -> Findings:
    """Every claim's finding by id and protocol; none if no study is on the paper's sets.

    Drawn faces speak only where there are no others, and then decide nothing that depends on faces.
    """
    there = on_papers_sets(studies)
    if not there:
        return {}
    real = [study for study in there if not study.drawn]
    strict = next((p for p in STRICT if any(p in study.study.protocols for study in there)), None)
    lenient = any("frame" in study.study.protocols for study in there)
    protocols = tuple(p for p, asked in (("frame", lenient or not strict), (strict, strict)) if p and asked)
    found = {(claim.id, p): CHECKS[claim.id](real or there, p) for claim in CLAIMS for p in protocols}
    return found if real else {place: _of_drawn(place[0], finding) for place, finding in found.items()}


def _of_drawn(claim: str, finding: Finding) -> Finding:
    if claim in FACELESS or finding.word == "not testable here":
        return finding
    return not_here("the faces are drawn", ours=finding.ours)


def _shown(finding: Finding) -> tuple[str, str]:
    return finding.ours, finding.word


def _left_out(silent: Collection[str]) -> Iterator[str]:
    if silent:
        named = ", ".join(claim.id for claim in CLAIMS if claim.id in silent)
        yield (
            f"These runs say nothing of {named}: harness reproduce runs what they need, on the sets that it "
            "is given."
        )


def _settings(studies: Sequence[Outcomes]) -> Iterator[str]:
    told = dict.fromkeys(text for study in on_papers_sets(studies) for text in departures(study.study))
    if told:
        yield f"Some or all verdicts are on other settings than the paper's: {'; '.join(told)}."


def _reasons(found: Findings) -> Iterator[str]:
    """Why, grouped by the reason and by the protocols that it holds under."""
    under: dict[tuple[str, str], list[str]] = {}
    for (claim, protocol), finding in found.items():
        if finding.why:
            under.setdefault((finding.why, claim), []).append(protocol)
    grouped: dict[tuple[str, str], list[str]] = {}
    for (why, claim), protocols in under.items():
        grouped.setdefault((why, ", ".join(protocols)), []).append(claim)
    for (why, where), claims in grouped.items():
        yield f"{', '.join(claims)} ({where}): {why}."
