"""The runs of a study's checks, and the pairs of arms that differ in one component, which checks compare."""

from __future__ import annotations

from collections.abc import Sequence

from architectures.spec import BLOCK_NETWORK, ArchitectureSpec, get_components
from reports.outcomes import Outcome, StudyEvaluation, group_by_training
from studies.results import RunResult
from studies.spec import Check
from studies.study import is_null_arm


def find_check_runs(
    evaluation: StudyEvaluation, check: Check, arm: ArchitectureSpec, *, protocol: str
) -> dict[tuple[int, int], list[RunResult]]:
    """Return the finished runs of an arm's check under a protocol, by training id.

    A training that lacks a fold is left out.
    """
    if check not in evaluation.study.checks:
        return {}
    return group_by_training(evaluation.result, arm, protocol=protocol, variant=check)[0]


def find_matched_pairs(outcomes: Sequence[Outcome], component: str) -> tuple[tuple[Outcome, Outcome], ...]:
    """Return the pairs (without, with) of outcomes whose block networks differ only in `component`.

    `outcomes` are those of one protocol. Null arms and outcomes without a finished training are left out.
    """
    blocks = [
        outcome
        for outcome in outcomes
        if outcome.arm.network == BLOCK_NETWORK and outcome.trainings and not is_null_arm(outcome.arm)
    ]
    return tuple(
        (without_component, with_component)
        for without_component in blocks
        for with_component in blocks
        if get_components(with_component.arm) == get_components(without_component.arm) | {component}
        and component not in get_components(without_component.arm)
        and (without_component.arm.width, without_component.arm.stages)
        == (with_component.arm.width, with_component.arm.stages)
    )
