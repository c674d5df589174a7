"""Effects, interactions and Shapley values of the block's components, from a factorial design.

Every number is a weighted sum over the sixteen arms (`studies.statistics.factorial`), so that all numbers
have the same kind of interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from architectures.spec import BLOCK_COMPONENTS, BLOCK_NETWORK, get_components
from reports.formatting import format_interval, format_points, text_cell
from reports.outcomes import StudyEvaluation
from reports.pairing import list_shared_run_keys, pair_outcomes
from reports.table import Cell, Statement, Table
from reports.tables.score_columns import (
    LEAKAGE_NOTE,
    build_audit_notes,
    build_clip_list_notes,
    build_mark_notes,
    build_missing_run_notes,
)
from studies.arms import FACTORIAL
from studies.metrics import METRIC_NAMES
from studies.statistics.factorial import (
    compute_interaction,
    compute_main_effect,
    compute_ordered_effect,
    compute_shapley_value,
    subtract_contrasts,
)
from studies.statistics.verdicts import MIN_TRAININGS, Estimate
from studies.study import is_null_arm

AVERAGE_EFFECT = "average over orders"
"""Name of the Shapley value among the quantities."""

ComponentWeights = Mapping[frozenset[str], float]


def build_effect_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table of main effects, interactions, Shapley values and ordered effects by protocol.

    None if the study has no factorial design, or no protocol in which all arms share a finished training.
    """
    rows = [
        _build_row(effect, protocol)
        for protocol in evaluation.study.protocols
        for effect in compute_effects(evaluation, protocol)
    ]
    if not rows:
        return None
    metric_name = METRIC_NAMES[evaluation.study.metric]
    return Table(
        id=f"effects-{evaluation.study.name}",
        title=f"Effect of each component over all combinations, in points of {metric_name}",
        header=("Protocol", "Quantity", "Component", "Estimate", "95 % interval"),
        rows=tuple(rows),
        notes=(
            "Main effect: mean difference between the arms with and without the component. Interaction: "
            "half the change of one component's effect when the other is added. Average over orders: the "
            "gain from adding the component, averaged over all orders of adding the components (Shapley). "
            "In the paper's order: the gain from adding it in the order CBAM, residual, separable, PReLU. "
            "Order less average: how far that order overstates (+) or understates (-) the component.",
            "Intervals are over subjects and trainings and are not adjusted for the number of quantities. "
            f"With fewer than {MIN_TRAININGS} trainings they are conditional on these trained networks.",
            LEAKAGE_NOTE,
            *build_audit_notes(evaluation.outcomes),
            *build_clip_list_notes(evaluation.outcomes),
            *build_missing_run_notes(evaluation.outcomes),
            *build_mark_notes(evaluation.outcomes),
        ),
    )


def describe_effects(evaluation: StudyEvaluation, protocol: str) -> Iterator[Statement]:
    """Yield a sentence with each component's average gain over all orders, largest first, if it is known."""
    effects = [
        effect for effect in compute_effects(evaluation, protocol) if effect.quantity == AVERAGE_EFFECT
    ]
    effects.sort(key=lambda effect: -effect.value)
    if effects:
        effects_text = ", ".join(
            f"{effect.components} {format_points(effect.value)} [{format_interval(effect.estimate)}]"
            for effect in effects
        )
        metric_name = METRIC_NAMES[evaluation.study.metric]
        yield Statement(
            text=f"Under {protocol}, gain from each component in points of {metric_name}, averaged over all "
            f"orders of adding the components: {effects_text} (intervals not adjusted for their number).",
            run_keys=effects[0].run_keys,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect of components under a protocol: its value in points, and its estimate if there is one."""

    quantity: str
    components: str
    value: float
    estimate: Estimate | None
    run_keys: tuple[str, ...]


def compute_effects(evaluation: StudyEvaluation, protocol: str) -> Iterator[Effect]:
    """Yield the effects of a factorial under one protocol; none unless all arms share a finished training."""
    outcomes = tuple(
        outcome for outcome in evaluation.select_protocol(protocol) if outcome.arm.network == BLOCK_NETWORK
    )
    outcomes = tuple(outcome for outcome in outcomes if not is_null_arm(outcome.arm))
    pairing = pair_outcomes(outcomes, evaluation.study.metric)
    if evaluation.study.design != FACTORIAL or pairing is None:
        return
    components_by_arm = {
        outcome.arm.name: get_components(outcome.arm) & set(BLOCK_COMPONENTS) for outcome in outcomes
    }
    components = tuple(
        component
        for component in BLOCK_COMPONENTS
        if any(component in enabled_components for enabled_components in components_by_arm.values())
    )
    run_keys = list_shared_run_keys(outcomes, pairing.training_ids)
    for effect_type, components_text, weights in _list_effects(components):
        contrast = {
            arm: weights.get(enabled_components, 0.0) for arm, enabled_components in components_by_arm.items()
        }
        (estimate,) = (None,) if pairing.obstacle else pairing.compare_contrasts([contrast])
        yield Effect(
            quantity=effect_type,
            components=components_text,
            value=100 * pairing.compute_value(contrast),
            estimate=estimate,
            run_keys=run_keys,
        )


def _build_row(effect: Effect, protocol: str) -> tuple[Cell, ...]:
    return (
        text_cell(protocol),
        text_cell(effect.quantity),
        text_cell(effect.components),
        Cell(text=format_points(effect.value), value=effect.value, run_keys=effect.run_keys),
        text_cell(format_interval(effect.estimate), effect.run_keys),
    )


def _list_effects(components: tuple[str, ...]) -> Iterator[tuple[str, str, ComponentWeights]]:
    """Yield (quantity, component or pair of components, weight of each set of enabled components)."""
    for component in components:
        yield "main effect", component, compute_main_effect(components, component)
    for first, second in combinations(components, 2):
        yield "interaction", f"{first} × {second}", compute_interaction(components, first, second)
    for component in components:
        yield AVERAGE_EFFECT, component, compute_shapley_value(components, component)
    for component in components:
        yield "in the paper's order", component, compute_ordered_effect(components, component)
    for component in components:
        yield (
            "order less average",
            component,
            subtract_contrasts(
                compute_ordered_effect(components, component), compute_shapley_value(components, component)
            ),
        )
