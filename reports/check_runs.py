"""The runs of a study's checks, and the pairs of arms that differ in one component, which checks compare."""

from __future__ import annotations

from collections.abc import Sequence

from architectures.spec import BLOCK_NETWORK, ArchitectureSpec, get_components
from reports.outcomes import Outcome, StudyEvaluation, get_training_id
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
    results_by_key = {result.spec.key: result for result in evaluation.result.results}
    keys_by_training: dict[tuple[int, int], list[str]] = {}
    for spec in evaluation.study.list_runs():
        if (spec.variant, spec.architecture, spec.protocol) == (check, arm, protocol):
            keys_by_training.setdefault(get_training_id(spec), []).append(spec.key)
    return {
        training_id: [results_by_key[key] for key in run_keys]
        for training_id, run_keys in keys_by_training.items()
        if all(key in results_by_key for key in run_keys)
    }


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
