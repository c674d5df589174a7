"""The table of the paper's claims: printed number, measured number and verdict by protocol."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import get_args

from datasets.text import pluralize
from reports.claims.catalogue import CLAIMS
from reports.claims.rules import ClaimResult, ClaimVerdict, make_not_testable_result
from reports.claims.score_measures import select_paper_datasets
from reports.formatting import NO_VALUE, text_cell
from reports.outcomes import StudyEvaluation
from reports.paper_reference import differences_from_paper
from reports.table import Statement, Table

ClaimResults = Mapping[tuple[str, str], ClaimResult]
"""Results by (claim id, protocol)."""

IMAGE_INDEPENDENT_CLAIMS = tuple(claim.id for claim in CLAIMS if not claim.uses_faces)
"""Ids of the claims whose result does not depend on the test images."""

STRICT_PROTOCOLS = ("loso", "kfold", "subject")


def build_claim_table(evaluations: Sequence[StudyEvaluation]) -> Table | None:
    """Return the table of the claims that the runs measure; None if no study uses a data set of the paper."""
    results = judge_claims(evaluations)
    if not results:
        return None
    untested = {
        claim.id
        for claim in CLAIMS
        if all(result.measured_text == NO_VALUE for (name, _), result in results.items() if name == claim.id)
    }
    protocols = tuple(dict.fromkeys(protocol for _, protocol in results))
    header = chain.from_iterable(
        (f"Measured, {protocol_name}", f"Verdict, {protocol_name}") for protocol_name in protocols
    )
    return Table(
        id="claims",
        title="The paper's claims",
        header=("Id", "Claim", "Paper", *header),
        rows=tuple(
            (
                *map(text_cell, (claim.id, claim.text, claim.paper_value or NO_VALUE)),
                *(
                    text_cell(text, results[claim.id, protocol_name].run_keys)
                    for protocol_name in protocols
                    for text in _get_cell_texts(results[claim.id, protocol_name])
                ),
            )
            for claim in CLAIMS
            if claim.id not in untested
        ),
        notes=(
            *_build_reason_notes({key: result for key, result in results.items() if key[0] not in untested}),
            *_build_untested_notes(untested),
            *_build_setting_notes(evaluations),
            "Under frame, the paper's split, the training set contains other frames of the test clips. Under "
            "subject, kfold and loso, it contains no test subject.",
        ),
    )


def describe_claim_results(evaluations: Sequence[StudyEvaluation]) -> tuple[Statement, ...]:
    """Return the verdict counts, a sentence per protocol; () if no study uses a data set of the paper."""
    results = judge_claims(evaluations)
    return tuple(
        _describe_verdict_counts(protocol, results)
        for protocol in dict.fromkeys(protocol_name for _, protocol_name in results)
    )


def _describe_verdict_counts(protocol: str, results: ClaimResults) -> Statement:
    split_text = "the paper's split" if protocol == "frame" else "no test subject in training"
    claims_by_verdict: dict[str, list[str]] = {verdict: [] for verdict in get_args(ClaimVerdict)}
    run_keys: dict[str, None] = {}
    # A claim whose result does not depend on the images is counted once.
    first_protocol = next(iter(results))[1]
    for (claim, result_protocol), result in results.items():
        if result_protocol == protocol and (
            claim not in IMAGE_INDEPENDENT_CLAIMS or result_protocol == first_protocol
        ):
            claims_by_verdict[result.verdict].append(claim)
            run_keys.update(dict.fromkeys(result.run_keys))
    claim_count = sum(map(len, claims_by_verdict.values()))
    untestable_claims = claims_by_verdict.pop("not testable here")
    counts = [
        f"{len(claim_ids)} {verdict} ({', '.join(claim_ids)})"
        for verdict, claim_ids in claims_by_verdict.items()
        if claim_ids
    ]
    counts += [f"{len(untestable_claims)} not testable here"] if untestable_claims else []
    text = f"Under {protocol} ({split_text}): of {pluralize(claim_count, 'claim')} {'; '.join(counts)}."
    return Statement(text=text, run_keys=tuple(run_keys))


def judge_claims(evaluations: Sequence[StudyEvaluation]) -> ClaimResults:
    """Return every claim's result by (id, protocol); {} if no study uses a data set of the paper.

    Studies of synthetic faces are used only if there is no other study. They never decide a claim that
    depends on faces.
    """
    evaluations_on_paper_datasets = select_paper_datasets(evaluations)
    if not evaluations_on_paper_datasets:
        return {}
    real_evaluations = [
        evaluation for evaluation in evaluations_on_paper_datasets if not evaluation.is_synthetic
    ]
    strict_protocol = next(
        (
            protocol
            for protocol in STRICT_PROTOCOLS
            if any(protocol in evaluation.study.protocols for evaluation in evaluations_on_paper_datasets)
        ),
        None,
    )
    has_frame_split = any(
        "frame" in evaluation.study.protocols for evaluation in evaluations_on_paper_datasets
    )
    protocols = tuple(
        protocol
        for protocol, is_included in (
            ("frame", has_frame_split or not strict_protocol),
            (strict_protocol, strict_protocol),
        )
        if protocol and is_included
    )
    results = {
        (claim.id, protocol): claim.judge(real_evaluations or evaluations_on_paper_datasets, protocol)
        for claim in CLAIMS
        for protocol in protocols
    }
    return (
        results
        if real_evaluations
        else {key: _exclude_synthetic_faces(key[0], result) for key, result in results.items()}
    )


def _exclude_synthetic_faces(claim: str, result: ClaimResult) -> ClaimResult:
    if claim in IMAGE_INDEPENDENT_CLAIMS or result.verdict == "not testable here":
        return result
    return make_not_testable_result(
        "the faces are synthetic", measured_text=result.measured_text, run_keys=result.run_keys
    )


def _get_cell_texts(result: ClaimResult) -> tuple[str, str]:
    return result.measured_text, result.verdict


def _build_untested_notes(untested: Collection[str]) -> Iterator[str]:
    if untested:
        names = ", ".join(claim.id for claim in CLAIMS if claim.id in untested)
        yield (
            f"These runs do not test {names}. `harness reproduce` runs the studies that test them, on the "
            "data sets passed to it."
        )


def _build_setting_notes(evaluations: Sequence[StudyEvaluation]) -> Iterator[str]:
    texts = dict.fromkeys(
        text
        for evaluation in select_paper_datasets(evaluations)
        for text in differences_from_paper(evaluation.study)
    )
    if texts:
        yield f"Some or all of the runs have settings that differ from the paper's: {'; '.join(texts)}."


def _build_reason_notes(results: ClaimResults) -> Iterator[str]:
    """Yield each reason and remark once, with its claims and protocols."""
    protocols_by_text: dict[tuple[str, str], list[str]] = {}
    for (claim, protocol), result in results.items():
        for text in (result.reason, result.remark):
            if text:
                protocols_by_text.setdefault((text, claim), []).append(protocol)
    claims_by_text: dict[tuple[str, str], list[str]] = {}
    for (text, claim), protocols in protocols_by_text.items():
        claims_by_text.setdefault((text, ", ".join(protocols)), []).append(claim)
    for (text, protocol_text), claims in claims_by_text.items():
        yield f"{', '.join(claims)} ({protocol_text}): {text}."
