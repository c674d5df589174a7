"""What each part of the block is worth on its own: effects, interactions and shares of a factorial design.

Every number is one weighted sum over the sixteen arms (`studies.statistics.factorial`), so that all have
intervals of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from architectures.parts import BLOCK_COMPONENTS, get_components
from architectures.spec import BLOCK_NETWORK
from reports.columns import LEAKAGE_NOTE, build_audit_notes, build_mark_notes, build_missing_run_notes
from reports.differences import format_interval
from reports.numbers import format_points, text_cell
from reports.outcomes import StudyEvaluation
from reports.pairing import pair_outcomes
from reports.table import Cell, Table
from studies.metrics import METRIC_NAMES
from studies.spec import is_null_arm
from studies.statistics.factorial import (
    compute_interaction,
    compute_main_effect,
    compute_ordered_effect,
    compute_shapley_value,
    subtract_contrasts,
)
from studies.statistics.verdicts import MIN_TRAININGS

ComponentWeights = Mapping[frozenset[str], float]


def build_effect_table(evaluation: StudyEvaluation) -> Table | None:
    """Main effects, interactions, Shapley shares and what the paper's order makes of them, by protocol."""
    if evaluation.study.design != "factorial":
        return None
    rows = [row for protocol in evaluation.study.protocols for row in _build_rows(evaluation, protocol)]
    if not rows:
        return None
    return Table(
        id=f"effects-{evaluation.study.name}",
        title=f"Effect of each part over all combinations, in points of {METRIC_NAMES[evaluation.study.metric]}",
        header=("Protocol", "Quantity", "Part", "Estimate", "95 % interval"),
        rows=tuple(rows),
        notes=(
            "Main effect: mean difference between the arms with and without the part. Interaction: half the "
            "change of one part's effect when the other is added. Average over orders: the part's gain when "
            "it is added, averaged over every order of adding the parts (Shapley). In the paper's order: its "
            "gain at its place in CBAM, residual, separable, PReLU; less the average: how far that order "
            "flatters (+) or hides (-) it.",
            "Intervals: over subjects and trainings, each for itself and not adjusted for their number; "
            f"with fewer than {MIN_TRAININGS} trainings they are conditional on these trained networks.",
            LEAKAGE_NOTE,
            *build_audit_notes(evaluation.outcomes),
            *build_missing_run_notes(evaluation.outcomes),
            *build_mark_notes(evaluation.outcomes),
        ),
    )


def describe_effects(evaluation: StudyEvaluation, protocol: str) -> Iterator[str]:
    """What each part gains on average over all orders, the most first; nothing where that is not known."""
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
        yield (
            f"Under {protocol}, in points of {METRIC_NAMES[evaluation.study.metric]}, averaged over every order "
            f"of adding the parts: {effects_text} "
            "(intervals each for itself)."
        )


def _build_rows(evaluation: StudyEvaluation, protocol: str) -> Iterator[tuple[Cell, ...]]:
    """The rows of one protocol; none before all of its arms have a seed in common."""
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
    run_keys = tuple(key for outcome in outcomes for key in outcome.run_keys)
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
            text_cell(format_interval(interval)),
        )


def _list_effects(components: tuple[str, ...]) -> Iterator[tuple[str, str, ComponentWeights]]:
    """(quantity, the part or parts that it is about, weights by the parts that are on)."""
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
