"""Tables of an ablation: what each arm changes, gains and costs (the paper's Figures 16 to 18).

The arms of a ladder are called rungs. A row's pair (before, after) comes from the study's family
(`studies.arms.build_pairs`), as in the table of differences.
"""

from __future__ import annotations

from dataclasses import fields

from architectures.catalogue import LADDER
from architectures.spec import USER_NETWORK, ArchitectureSpec, BlockSpec
from reports.formatting import NO_VALUE, count_cell, format_points, size_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation
from reports.paper_reference import (
    PaperReference,
    build_paper_difference_notes,
    dataset_title,
    find_paper_reference,
)
from reports.table import Cell, Table
from reports.tables.network_scores import MACRO_AVERAGE_NOTE, METRIC_GETTERS, format_arm_name
from reports.tables.score_columns import (
    IDENTITY_HEADER,
    LEAKAGE_HEADER,
    accuracy_cell,
    build_score_notes,
    identity_cells,
    leakage_cells,
    score_cell,
)
from studies.arms import LADDER_DESIGNS, build_pairs, select_reference_arm
from studies.cost import Cost
from studies.paper.published import ABLATION_DATASET, ABLATION_GAINS
from studies.study import Study

_get_f1 = dict(METRIC_GETTERS)["f1"]
_get_recall = dict(METRIC_GETTERS)["recall"]


def list_changes(before: ArchitectureSpec, after: ArchitectureSpec) -> tuple[tuple[str, str], ...]:
    """Return ("component", "old → new") for each component in which two architectures differ.

    If they are not the same network, return the change of network alone.
    """
    if before.network != after.network:
        return (("network", f"{before.network} → {after.network}"),)
    components = [
        (field.name, getattr(before.block, field.name), getattr(after.block, field.name))
        for field in fields(BlockSpec)
    ]
    components += [(name, getattr(before, name), getattr(after, name)) for name in ("norm", "head", "width")]
    return tuple(
        (name, f"{_format_value(old)} → {_format_value(new)}") for name, old, new in components if old != new
    )


def _format_value(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def build_ablation_table(evaluation: StudyEvaluation) -> Table:
    """Build the table of scores of each arm under each protocol, with the gain in accuracy of its pair."""
    paper_ref, title = _find_paper_ablation(evaluation), dataset_title(evaluation.study.dataset.name)
    paper_header = (
        (f"{paper_ref.column_title}: accuracy", f"{paper_ref.column_title}: change") if paper_ref else ()
    )
    rows = tuple(
        _build_row(evaluation, outcome, paper_ref=paper_ref)
        for outcome in (*evaluation.outcomes, *evaluation.controls)
    )
    return Table(
        id=f"ablation-{evaluation.study.name}",
        title=f"Ablation on {title}, design {evaluation.study.design}, in %",
        header=(
            _get_arm_heading(evaluation.study),
            *IDENTITY_HEADER,
            "Accuracy",
            "Change" if evaluation.study.design in LADDER_DESIGNS else "Gain",
            "F1 (UF1)",
            "Recall (UAR)",
            *paper_header,
            *LEAKAGE_HEADER,
        ),
        rows=rows,
        notes=(
            f"{_build_gain_note(evaluation.study)}. In points of accuracy under the same protocol.",
            MACRO_AVERAGE_NOTE,
            *(_build_paper_notes(paper_ref) if paper_ref else ()),
            *build_score_notes(evaluation, (*evaluation.outcomes, *evaluation.controls)),
            *build_paper_difference_notes(evaluation.study),
        ),
        paper_items=cite_ablation_items(evaluation, "Figure 16", "Figure 18"),
    )


def cite_ablation_items(evaluation: StudyEvaluation, *items: str) -> tuple[str, ...]:
    """Return `items` with their dataset if the paper's ablation is comparable to this study; otherwise ()."""
    paper_ref = _find_paper_ablation(evaluation)
    return (
        paper_ref.cite_items(*items) if paper_ref and evaluation.study.arms[0].name == LADDER[0].name else ()
    )


def _find_paper_ablation(evaluation: StudyEvaluation) -> PaperReference | None:
    paper_ref = find_paper_reference(evaluation)
    return paper_ref if paper_ref and paper_ref.results.dataset == ABLATION_DATASET else None


def _build_paper_notes(paper_ref: PaperReference) -> tuple[str, ...]:
    return (
        "The paper's ablation is by frame. It reports the accuracies of VGG16 and the proposed network, and "
        "two gains.",
        *paper_ref.notes,
    )


def _get_arm_heading(study: Study) -> str:
    return "Rung" if study.design in LADDER_DESIGNS else "Arm"


def _build_gain_note(study: Study) -> str:
    baseline_name = select_reference_arm(study.arms, design=study.design).name
    gain_text = (
        f"Gain: {baseline_name} minus the arm if the arm lacks one of its components, otherwise the arm "
        f"minus {baseline_name}"
    )
    note = "Change: from the previous rung" if study.design in LADDER_DESIGNS else gain_text
    user_pairs = [
        pair for arm in study.arms if arm.network == USER_NETWORK and (pair := find_pair(study, arm))
    ]
    return "; ".join(
        (note, *(f"for {after.name}: {after.name} minus {before.name}" for before, after in user_pairs))
    )


def find_pair(study: Study, arm: ArchitectureSpec) -> tuple[ArchitectureSpec, ArchitectureSpec] | None:
    """Return the pair (before, after) of an arm's row; None for the reference arm.

    A factorial design has no pairs; its arms are compared with the reference arm.
    """
    baseline = select_reference_arm(study.arms, design=study.design)
    if arm == baseline:
        return None
    others = tuple(other for other in study.arms if other.network != USER_NETWORK or other == arm)
    matches = (pair for pair in build_pairs(others, design=study.design) if arm in pair)
    return next(matches, (baseline, arm))


def _format_arm_number(study: Study, arm: ArchitectureSpec) -> str:
    """Return the arm's number, counted from 1; in a ladder the user's networks have no number."""
    numbered_arms = [
        other for other in study.arms if study.design not in LADDER_DESIGNS or other.network != USER_NETWORK
    ]
    return str(numbered_arms.index(arm) + 1) if arm in numbered_arms else NO_VALUE


def _build_row(
    evaluation: StudyEvaluation, outcome: Outcome, *, paper_ref: PaperReference | None
) -> tuple[Cell, ...]:
    return (
        text_cell(NO_VALUE if outcome.control else _format_arm_number(evaluation.study, outcome.arm)),
        *identity_cells(outcome),
        accuracy_cell(outcome),
        _build_change_cell(evaluation, outcome),
        score_cell(outcome, _get_f1),
        score_cell(outcome, _get_recall),
        *(_build_paper_cells(evaluation, outcome, paper_ref=paper_ref) if paper_ref else ()),
        *leakage_cells(outcome),
    )


def _build_change_cell(evaluation: StudyEvaluation, outcome: Outcome) -> Cell:
    pair = None if outcome.control else find_pair(evaluation.study, outcome.arm)
    if pair is None:
        return text_cell(NO_VALUE)
    outcomes_by_arm = {other.arm.name: other for other in evaluation.select_protocol(outcome.protocol)}
    before, after = (accuracy_cell(outcomes_by_arm[arm.name]) for arm in pair)
    if after.value is None or before.value is None:
        return text_cell(NO_VALUE)
    run_keys = (*before.run_keys, *after.run_keys)
    return Cell(
        text=format_points(after.value - before.value), value=after.value - before.value, run_keys=run_keys
    )


def _build_paper_cells(
    evaluation: StudyEvaluation, outcome: Outcome, *, paper_ref: PaperReference
) -> tuple[Cell, Cell]:
    if outcome.protocol != "frame":
        return text_cell(NO_VALUE), text_cell(NO_VALUE)
    published_scores = None if outcome.control else paper_ref.results.scores.get(outcome.arm.name)
    # The paper reports what adding a component gains, not what removing it costs.
    is_ladder_arm = evaluation.study.design in LADDER_DESIGNS and not outcome.control
    pair = find_pair(evaluation.study, outcome.arm) if is_ladder_arm else None
    components = [component for component, _ in list_changes(*pair)] if pair else []
    gain = next((ABLATION_GAINS[component] for component in components if component in ABLATION_GAINS), None)
    return (
        text_cell(NO_VALUE)
        if published_scores is None
        else Cell(text=str(published_scores.accuracy), value=float(published_scores.accuracy)),
        text_cell(NO_VALUE) if gain is None else Cell(text=f"+{gain}", value=float(gain)),
    )


def build_rung_table(evaluation: StudyEvaluation) -> Table:
    """Build the table of what each arm changes relative to the arm it is compared with, and of its cost."""
    arm_heading = _get_arm_heading(evaluation.study)
    rows = []
    for arm in evaluation.study.arms:
        run = next(
            (outcome.first_run for outcome in evaluation.select_arm(arm.name) if outcome.first_run), None
        )
        cost_cells = (
            _build_cost_cells(run.cost, (run.spec.key,))
            if run
            else (text_cell("not run"), *[text_cell(NO_VALUE)] * 3)
        )
        texts = (
            _format_arm_number(evaluation.study, arm),
            format_arm_name(evaluation, arm.name),
            _describe_change(evaluation.study, arm),
        )
        rows.append((*map(text_cell, texts), *cost_cells))
    return Table(
        id=f"rungs-{evaluation.study.name}",
        title=f"What each {arm_heading.lower()} changes and costs, design {evaluation.study.design}",
        header=(arm_heading, "Network", "Changed", "Parameters", "MiB", "Multiply-adds", "Elementwise"),
        rows=tuple(rows),
        notes=(
            "Changed: from the network that this one is compared with to this one.",
            "Elementwise: work not counted in multiply-adds (activations, attention, additions, norm, "
            "pooling), in elements; norm counts two operations per element.",
            "If more than one component changes, the difference cannot be attributed to any one of them.",
        ),
    )


def _describe_change(study: Study, arm: ArchitectureSpec) -> str:
    pair = find_pair(study, arm)
    if pair is None:
        return NO_VALUE
    (baseline,) = (member for member in pair if member != arm)
    return "; ".join(f"{component}: {change}" for component, change in list_changes(baseline, arm))


def _build_cost_cells(cost: Cost, run_keys: tuple[str, ...]) -> tuple[Cell, ...]:
    elementwise_ops = cost.activations + cost.attention + cost.additions + cost.norm + cost.pooling
    work_cells = (count_cell(cost.multiply_adds, run_keys), count_cell(elementwise_ops, run_keys))
    return (count_cell(cost.parameters, run_keys), size_cell(cost.mib, run_keys), *work_cells)
