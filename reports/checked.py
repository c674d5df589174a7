"""What a study's checks have left, and the arms that a part alone tells apart, which most checks compare."""

from __future__ import annotations

from collections.abc import Sequence

from architectures.parts import parts_of
from architectures.spec import BLOCKS, ArchitectureSpec
from reports.outcomes import Outcome, Outcomes, training_id
from studies.results import RunResult
from studies.spec import Check, is_null


def runs_of(
    study: Outcomes, check: Check, arm: ArchitectureSpec, *, protocol: str
) -> dict[tuple[int, int], list[RunResult]]:
    """The finished runs of an arm's check under a protocol, by training; those that lack a fold are left
    out.
    """
    if check not in study.study.checks:
        return {}
    found = {result.spec.key: result for result in study.result.results}
    keys: dict[tuple[int, int], list[str]] = {}
    for spec in study.study.runs():
        if (spec.control, spec.architecture, spec.protocol) == (check, arm, protocol):
            keys.setdefault(training_id(spec), []).append(spec.key)
    return {
        training: [found[key] for key in members]
        for training, members in keys.items()
        if all(key in found for key in members)
    }


def twins(rows: Sequence[Outcome], part: str) -> tuple[tuple[Outcome, Outcome], ...]:
    """(without, with): outcomes of one protocol whose arms are block networks that differ in `part` alone."""
    blocks = [row for row in rows if row.arm.network == BLOCKS and row.seeds and not is_null(row.arm)]
    return tuple(
        (without, with_it)
        for without in blocks
        for with_it in blocks
        if parts_of(with_it.arm) == parts_of(without.arm) | {part}
        and part not in parts_of(without.arm)
        and (without.arm.width, without.arm.stages) == (with_it.arm.width, with_it.arm.stages)
    )
