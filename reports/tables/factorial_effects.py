"""Effects, interactions and Shapley values of the block's components, from a factorial design.

Every number is a weighted sum over the sixteen arms (`studies.statistics.factorial`), so that all numbers
have the same kind of interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from studies.metrics import METRIC_NAMES
from studies.statistics.factorial import (
    compute_interaction,
    compute_main_effect,
    compute_ordered_effect,
    compute_shapley_value,
    subtract_contrasts,
)
from studies.statistics.verdicts import MIN_TRAININGS
from studies.study import is_null_arm

ComponentWeights = Mapping[frozenset[str], float]


def build_effect_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table of main effects, interactions, Shapley values and ordered effects by protocol.

    None if the study has no factorial design, or no protocol in which all arms share a finished training.
    """
    if evaluation.study.design != "factorial":
        return None
    rows = [row for protocol in evaluation.study.protocols for row in _build_rows(evaluation, protocol)]
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
    if evaluation.study.design != "factorial":
        return
    quantity_name = "average over orders"
    rows = [row for row in _build_rows(evaluation, protocol) if row[1].text == quantity_name]
    rows.sort(key=lambda row: -(row[3].value or 0.0))
    if rows:
        effects_text = ", ".join(
            f"{component_cell.text} {gain_cell.text} [{interval_cell.text}]"
            for _, _, component_cell, gain_cell, interval_cell in rows
        )
        metric_name = METRIC_NAMES[evaluation.study.metric]
        yield Statement(
            text=f"Under {protocol}, gain from each component in points of {metric_name}, averaged over all "
            f"orders of adding the components: {effects_text} (intervals not adjusted for their number).",
            run_keys=rows[0][3].run_keys,
        )


def _build_rows(evaluation: StudyEvaluation, protocol: str) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of one protocol; none unless all of its arms share a finished training."""
    outcomes = tuple(
        outcome for outcome in evaluation.select_protocol(protocol) if outcome.arm.network == BLOCK_NETWORK
    )
    outcomes = tuple(outcome for outcome in outcomes if not is_null_arm(outcome.arm))
    pairing = pair_outcomes(outcomes, evaluation.study.metric)
    if pairing is None:
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
        (interval,) = (None,) if pairing.obstacle else pairing.compare_contrasts([contrast])
        gain = 100 * pairing.compute_value(contrast)
        estimate = Cell(text=format_points(gain), value=gain, run_keys=run_keys)
        yield (
            text_cell(protocol),
            text_cell(effect_type),
            text_cell(components_text),
            estimate,
            text_cell(format_interval(interval), run_keys),
        )


def _list_effects(components: tuple[str, ...]) -> Iterator[tuple[str, str, ComponentWeights]]:
    """Yield (quantity, component or pair of components, weight of each set of enabled components)."""
    for component in components:
        yield "main effect", component, compute_main_effect(components, component)
    for first, second in combinations(components, 2):
        yield "interaction", f"{first} × {second}", compute_interaction(components, first, second)
    for component in components:
        yield "average over orders", component, compute_shapley_value(components, component)
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
