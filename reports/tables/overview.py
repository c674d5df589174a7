"""The first table and figure of a report: scores, differences with their intervals, and verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reports.arm_differences import ArmDifference, compute_differences, compute_null_difference
from reports.formatting import NO_VALUE, text_cell
from reports.outcomes import StudyEvaluation, append_marks
from reports.paper_reference import dataset_title
from reports.plots.forest_plot import ForestGroup, ForestRow, draw_forest_plot
from reports.plots.study_figures import describe_outcome_leakage, format_figure_path, format_protocol
from reports.table import Cell, ReportFigure, Table
from reports.tables.factorial_effects import AVERAGE_EFFECT, compute_effects
from reports.tables.score_columns import (
    LEAKAGE_HEADER,
    LEAKAGE_NOTE,
    accuracy_cell,
    build_clip_list_notes,
    leakage_cells,
    score_cell,
)
from studies.arms import FACTORIAL, select_reference_arm
from studies.metrics import METRIC_NAMES
from studies.statistics.verdicts import MIN_TRAININGS, Estimate

NO_DIFFERENCE = (text_cell(NO_VALUE),) * 3


def build_overview_table(evaluation: StudyEvaluation) -> Table:
    """Return a row per arm and protocol: its scores, and its difference from the arm it is compared with."""
    differences = {
        (protocol, name): difference
        for protocol in evaluation.study.protocols
        for name, difference in map_differences(evaluation, protocol).items()
    }
    has_differences = bool(differences)
    is_uar = evaluation.study.metric != "uf1"
    metric_header = ("Accuracy, %", "UAR, %") if is_uar else ("Accuracy, %", "UF1, %")
    difference_header = ("Difference [95 % interval]", "Verdict") if has_differences else ()
    rows = []
    for protocol in evaluation.study.protocols:
        for outcome in evaluation.select_protocol(protocol):
            *difference_cells, pair_cell = _build_difference_cells(
                differences.get((protocol, outcome.arm.name))
            )
            rows.append(
                (
                    text_cell(append_marks(outcome.arm.name, outcome.collapse_mark)),
                    text_cell(protocol),
                    accuracy_cell(outcome),
                    score_cell(outcome, lambda scores: scores.uar if is_uar else scores.uf1),
                    *(difference_cells if has_differences else ()),
                    *leakage_cells(outcome),
                    *((pair_cell,) if has_differences else ()),
                )
            )
    return Table(
        id=f"overview-{evaluation.study.name}",
        title=f"Results on {dataset_title(evaluation.study.dataset.name)}",
        header=(
            "Network",
            "Protocol",
            *metric_header,
            *difference_header,
            *LEAKAGE_HEADER,
            *(("Compared",) if has_differences else ()),
        ),
        rows=tuple(rows),
        notes=(
            *(
                (
                    f"Difference: in points of {METRIC_NAMES[evaluation.study.metric]}, the first network of "
                    "Compared minus the second.",
                )
                if has_differences
                else ()
            ),
            LEAKAGE_NOTE,
            *build_clip_list_notes(evaluation.outcomes),
        ),
    )


def map_differences(evaluation: StudyEvaluation, protocol: str) -> dict[str, ArmDifference]:
    """Return the difference that belongs to each arm's row under a protocol, by the name of the arm."""
    reference = select_reference_arm(evaluation.study.arms, design=evaluation.study.design)
    differences: dict[str, ArmDifference] = {}
    for difference in compute_differences(evaluation, protocol):
        # If the reference is `after`, the difference goes in the other arm's row.
        row = difference.before if difference.after.arm == reference else difference.after
        differences[row.arm.name] = difference
    return differences


def _build_difference_cells(difference: ArmDifference | None) -> tuple[Cell, ...]:
    if difference is None:
        return NO_DIFFERENCE
    run_keys = difference.run_keys
    return (
        Cell(text=difference.text, value=100 * difference.value, run_keys=run_keys),
        text_cell(difference.verdict.label, run_keys),
        text_cell(f"{difference.after.arm.name} − {difference.before.arm.name}"),
    )


def build_forest_figure(evaluation: StudyEvaluation) -> ReportFigure | None:
    """Return the differences or the effects of components, with intervals and margin; None without any."""
    groups, run_keys, notes = [], list[str](), []
    for protocol in evaluation.study.protocols:
        outcomes = evaluation.select_protocol(protocol)
        rows = tuple(_build_forest_rows(evaluation, protocol))
        if rows:
            groups.append(
                ForestGroup(title=f"Under {format_protocol(outcomes)}", rows=tuple(row for row, _ in rows))
            )
            run_keys += [key for _, keys in rows for key in keys]
            notes.append(describe_outcome_leakage(outcomes))
    if not groups:
        return None
    metric = METRIC_NAMES[evaluation.study.metric]
    subject = (
        "Gain from each component, averaged over all orders,"
        if evaluation.study.design == FACTORIAL
        else "Differences"
    )
    all_rows = [row for group in groups for row in group.rows]
    return ReportFigure(
        id=f"forest-{evaluation.study.name}",
        title=f"{subject} in {metric}, 95 % intervals, and the margin "
        f"±{100 * evaluation.study.margin:g} points",
        file=format_figure_path(evaluation.study.name, "forest"),
        alt_text=f"Forest plot: {'; '.join(map(_describe_row, all_rows))}",
        run_keys=tuple(dict.fromkeys(run_keys)),
        notes=(
            *(
                (
                    "Dashed: fewer than "
                    f"{MIN_TRAININGS} trainings, so the interval holds for these trained networks only.",
                )
                if any(row.is_conditional for row in all_rows)
                else ()
            ),
            *(("Cross: no interval.",) if any(row.low is None for row in all_rows) else ()),
            *notes,
        ),
        draw=partial(
            draw_forest_plot,
            groups,
            margin=100 * evaluation.study.margin,
            label=f"difference in points of {metric}",
        ),
        is_narrow=True,
    )


def _build_forest_rows(
    evaluation: StudyEvaluation, protocol: str
) -> Iterator[tuple[ForestRow, tuple[str, ...]]]:
    for effect in compute_effects(evaluation, protocol):
        if effect.quantity == AVERAGE_EFFECT:
            yield _build_row(effect.components, effect.value, effect.estimate), effect.run_keys
    null_difference = compute_null_difference(evaluation, protocol)
    differences = (
        *compute_differences(evaluation, protocol),
        *((null_difference,) if null_difference else ()),
    )
    for difference in differences:
        label = f"{difference.after.arm.name} − {difference.before.arm.name}"
        yield (
            _build_row(label, 100 * difference.value, difference.estimate, verdict=difference.verdict.label),
            difference.run_keys,
        )


def _build_row(label: str, value: float, estimate: Estimate | None, *, verdict: str = "") -> ForestRow:
    return ForestRow(
        label=label,
        value=value,
        low=None if estimate is None or estimate.low is None else 100 * estimate.low,
        high=None if estimate is None or estimate.high is None else 100 * estimate.high,
        verdict=verdict,
        is_conditional=estimate is not None and estimate.is_conditional,
    )


def _describe_row(row: ForestRow) -> str:
    interval = "" if row.low is None or row.high is None else f" [{row.low:+.2f} to {row.high:+.2f}]"
    return f"{row.label} {row.value:+.2f}{interval}"
