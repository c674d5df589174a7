"""Paired differences between arms, with intervals and verdicts.

Two arms are compared on the test units and trainings that both have. `studies.statistics` computes interval,
p and verdict. A pair whose arms both collapsed is not part of the family. The null arm is compared with the
arm that it repeats, as a separate family.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from architectures.spec import USER_NETWORK
from datasets.text import pluralize
from reports.arm_differences import (
    PLAN_STATUS_TEXTS,
    ArmDifference,
    compute_differences,
    compute_null_difference,
    get_plan_status,
)
from reports.formatting import NO_VALUE, format_interval, format_points, text_cell, truncate_list
from reports.outcomes import StudyEvaluation, append_marks
from reports.table import Cell, Statement, Table
from reports.tables.score_columns import (
    LEAKAGE_HEADER,
    LEAKAGE_NOTE,
    build_audit_notes,
    build_clip_list_notes,
    build_mark_notes,
    leakage_cells,
)
from studies.arms import FACTORIAL, LADDER_DESIGNS, build_pairs, select_reference_arm
from studies.metrics import METRIC_NAMES
from studies.statistics.verdicts import MIN_TRAININGS, VerdictLabel
from studies.study import Study


def build_difference_table(evaluation: StudyEvaluation) -> Table | None:
    """Build the table of the study's comparisons under each protocol; None if there are none."""
    margin, metric = evaluation.study.margin, METRIC_NAMES[evaluation.study.metric]
    plan_status = get_plan_status(evaluation)
    differences = [
        difference
        for protocol in evaluation.study.protocols
        for difference in compute_differences(evaluation, protocol)
    ]
    null_differences = [
        compute_null_difference(evaluation, protocol) for protocol in evaluation.study.protocols
    ]
    differences += [null_difference for null_difference in null_differences if null_difference]
    if not differences:
        return None
    return Table(
        id=f"differences-{evaluation.study.name}",
        title=f"Differences of {metric} in points, with verdicts",
        header=(
            "From",
            "To",
            "Protocol",
            "Trainings",
            "Difference",
            "95 % interval",
            "p",
            "Wins–losses",
            "p (McNemar)",
            "Verdict",
            *LEAKAGE_HEADER,
        ),
        rows=tuple(_build_row(difference, margin=margin) for difference in differences),
        notes=(
            f"Family of a protocol: {describe_family(evaluation.study) or 'none'}. Difference: {metric} of "
            f"To minus {metric} of From on the same test units.",
            "Interval and p: adjusted for the family; p < 0.05 if and only if the interval excludes 0. "
            "They cover other subjects and other trainings, as far as the study varied them.",
            *_build_conditional_notes(differences),
            f"These verdicts are {plan_status}: {PLAN_STATUS_TEXTS[plan_status]}.",
            "Verdict: better or worse at p < 0.05; equivalent if the interval stays within "
            f"±{100 * margin:g} points; otherwise inconclusive.",
            *(_build_null_notes() if any(null_differences) else ()),
            *_build_single_training_notes(differences),
            LEAKAGE_NOTE,
            *build_audit_notes(evaluation.outcomes),
            *build_clip_list_notes(evaluation.outcomes),
            *build_mark_notes(evaluation.outcomes),
        ),
    )


def _build_conditional_notes(differences: Sequence[ArmDifference]) -> Iterator[str]:
    if any(difference.estimate and difference.estimate.is_conditional for difference in differences):
        yield (
            f"With fewer than {MIN_TRAININGS} trainings, interval and p are conditional on these trained "
            "networks; after new trainings the same two architectures can differ by more."
        )


def _build_null_notes() -> Iterator[str]:
    yield (
        "The null arm is the same architecture trained with other seeds: its row shows how much two arms "
        "without any difference vary on these data. It is not part of the family."
    )


def _build_single_training_notes(differences: Sequence[ArmDifference]) -> Iterator[str]:
    if any(difference.wins is not None for difference in differences):
        yield (
            "Wins–losses: numbers of test units that only To, and only From, classifies correctly. McNemar's "
            "test assumes independent units and ignores training variance, so verdicts do not depend on it."
        )


def describe_family(study: Study) -> str:
    """Return a clause on which arms the study compares."""
    if study.design not in (*LADDER_DESIGNS, FACTORIAL):
        return f"each arm against {select_reference_arm(study.arms, design=study.design).name}"
    rung_texts = ["each rung against the one before"] if study.design in LADDER_DESIGNS else []
    arm_pairs = build_pairs(study.arms, design=study.design)
    user_comparisons = [
        f"{after.name} against {before.name}" for before, after in arm_pairs if after.network == USER_NETWORK
    ]
    return ", ".join((*rung_texts, *user_comparisons))


def _build_row(difference: ArmDifference, *, margin: float) -> tuple[Cell, ...]:
    before, after, estimate = difference.before, difference.after, difference.estimate
    run_keys = difference.run_keys
    wins_losses_text = NO_VALUE if difference.wins is None else f"{difference.wins}–{difference.losses}"
    conditional_text = " (these networks only)" if estimate and estimate.is_conditional else ""
    interval = format_interval(estimate)
    return (
        text_cell(before.marked_name),
        text_cell(after.marked_name),
        text_cell(after.protocol),
        text_cell(str(difference.training_count), run_keys),
        Cell(text=format_points(100 * difference.value), value=100 * difference.value, run_keys=run_keys),
        text_cell(interval if interval == NO_VALUE else f"{interval}{conditional_text}", run_keys),
        _build_p_cell(estimate.p if estimate else None, run_keys),
        text_cell(wins_losses_text, run_keys),
        _build_p_cell(difference.mcnemar_p, run_keys),
        text_cell(difference.verdict.describe(margin), run_keys),
        *leakage_cells(after),
    )


def _build_p_cell(p: float | None, run_keys: tuple[str, ...]) -> Cell:
    if p is None:
        return text_cell(NO_VALUE)
    return Cell(text="<0.001" if p < 0.001 else f"{p:.3f}", value=p, run_keys=run_keys)


def count_verdicts(evaluation: StudyEvaluation, protocol: str) -> Iterator[Statement]:
    """Yield one short sentence with the number of each verdict, and the differences that have a direction.

    Yield nothing if there are no comparisons.
    """
    differences = compute_differences(evaluation, protocol)
    differences_by_verdict: dict[str, list[ArmDifference]] = {}
    for difference in differences:
        differences_by_verdict.setdefault(difference.verdict.label, []).append(difference)
    texts = []
    for label in get_args(VerdictLabel):
        group = differences_by_verdict.get(label, [])
        if group:
            reasons = dict.fromkeys(d.verdict.reason for d in group if d.verdict.reason)
            details = list(map(_format_difference, group)) if label in ("better", "worse") else [*reasons]
            texts.append(f"{len(group)} {label}{f': {truncate_list(details)}' if details else ''}")
    if texts:
        yield Statement(
            text=f"Under {protocol}, of {pluralize(len(differences), 'difference')} in "
            f"{METRIC_NAMES[evaluation.study.metric]} ({get_plan_status(evaluation)}), {'; '.join(texts)}.",
            run_keys=tuple(dict.fromkeys(key for difference in differences for key in difference.run_keys)),
        )


def describe_verdicts(evaluation: StudyEvaluation, protocol: str) -> Iterator[Statement]:
    """Yield one sentence on the verdicts under a protocol, grouped by verdict, largest differences first.

    Yield nothing if there are no comparisons.
    """
    margin = evaluation.study.margin
    differences = sorted(
        compute_differences(evaluation, protocol), key=lambda difference: abs(difference.value), reverse=True
    )
    texts_by_verdict: dict[tuple[VerdictLabel, str], list[str]] = {}
    for difference in differences:
        verdict = difference.verdict
        text = f"{verdict.label}, {verdict.reason}" if verdict.reason else verdict.describe(margin)
        texts_by_verdict.setdefault((verdict.label, text), []).append(_format_difference(difference))
    label_order = get_args(VerdictLabel)
    ordered_groups = sorted(texts_by_verdict, key=lambda group: label_order.index(group[0]))
    if ordered_groups:
        verdicts_text = "; ".join(
            f"{text}: {truncate_list(texts_by_verdict[verdict_label, text])}"
            for verdict_label, text in ordered_groups
        )
        metric = METRIC_NAMES[evaluation.study.metric]
        yield Statement(
            text=f"Under {protocol}, in points of {metric} ({get_plan_status(evaluation)}): {verdicts_text}.",
            run_keys=tuple(dict.fromkeys(key for difference in differences for key in difference.run_keys)),
        )


def _format_difference(difference: ArmDifference) -> str:
    before, after = difference.before, difference.after
    if difference.verdict.label == "both collapsed":
        return f"{after.arm.name} and {before.arm.name}"
    marked_names = (append_marks(outcome.arm.name, outcome.collapse_mark) for outcome in (after, before))
    return f"{' over '.join(marked_names)} {difference.text}"
