"""Table of the effect of the split protocol: the same networks under every protocol.

Units of evaluation differ between protocols, so this table gives accuracy over frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean

from reports.accuracy_drop import compute_accuracy_drop
from reports.formatting import NO_VALUE, format_points, share_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation
from reports.paper_reference import build_paper_difference_notes
from reports.run_settings import format_headline
from reports.table import Cell, Table
from reports.tables.score_columns import (
    LEAKAGE_NOTE,
    build_audit_notes,
    build_clip_list_notes,
    build_mark_notes,
    build_missing_run_notes,
    score_cell,
)
from studies.metrics import Scores
from studies.study import is_null_arm

PROTOCOLS_BY_STRICTNESS = ("frame", "clip", "subject", "kfold", "loso", "lodo")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """Outcomes under one protocol and frame policy, by network name."""

    title: str
    protocol: str
    frames: str
    outcomes: dict[str, Outcome]


def build_protocol_effect_tables(evaluations: Sequence[StudyEvaluation]) -> tuple[Table, ...]:
    """Build one table per group of studies that have the same networks and settings but several protocols.

    Studies in a group may differ in protocols and frame policy; each combination has its own column.
    """

    def get_group_key(evaluation: StudyEvaluation) -> str:
        study = evaluation.study
        compared_values = (
            study.kind,
            study.design,
            study.preset,
            study.dataset.name,
            study.dataset.image_size,
            study.training,
        )
        return repr(
            (
                *compared_values,
                study.arms,
                study.split_seeds,
                study.seeds,
                study.dataset.describe_representation(),
                study.searches,
            )
        )

    groups = (tuple(group) for _, group in groupby(sorted(evaluations, key=get_group_key), key=get_group_key))
    tables = (_build_table(group) for group in groups)
    return tuple(table for table in tables if table)


def _build_table(evaluations: Sequence[StudyEvaluation]) -> Table | None:
    # If two studies have the same column, the first is used.
    columns_by_key = {
        (column.protocol, column.frames): column for column in reversed(_build_columns(evaluations))
    }
    columns = sorted(
        columns_by_key.values(), key=lambda column: PROTOCOLS_BY_STRICTNESS.index(column.protocol)
    )
    frame_columns = [column for column in columns if column.protocol == "frame"]
    strict_columns = [column for column in columns if column.protocol != "frame"]
    if not frame_columns or not strict_columns:
        return None
    # The drop compares columns with the same frame policy if possible; others are additional columns.
    loose_column = next(
        (column for column in frame_columns if column.frames == strict_columns[-1].frames), frame_columns[0]
    )
    columns = [
        *(column for column in frame_columns if column is not loose_column),
        loose_column,
        *strict_columns,
    ]
    study, arm_names = evaluations[0].study, [arm.name for arm in evaluations[0].study.arms]
    outcomes = [outcome for column in columns for outcome in column.outcomes.values()]
    return Table(
        id=f"protocol-effect-{study.name}",
        title=f"Effect of the split protocol ({format_headline(study)}): accuracy by frame, in %",
        header=(
            "Network",
            *(column.title for column in columns),
            f"{loose_column.protocol} → {strict_columns[-1].protocol}",
        ),
        rows=(
            *(
                _build_row(name, columns, loose_column=loose_column, strict_column=strict_columns[-1])
                for name in arm_names
            ),
            _build_mean_row(columns, loose_column=loose_column, strict_column=strict_columns[-1]),
            _build_leakage_row(columns, "clip"),
            _build_leakage_row(columns, "subject"),
        ),
        notes=(
            "Mean: over the networks that finished in every column, except those that collapsed in every "
            "training of a column. The 95 % interval is that of the difference.",
            LEAKAGE_NOTE,
            *build_audit_notes(outcomes),
            *build_clip_list_notes(outcomes),
            *build_missing_run_notes(outcomes),
            *build_mark_notes(outcomes),
            *build_paper_difference_notes(study),
        ),
    )


def _build_columns(evaluations: Sequence[StudyEvaluation]) -> list[_Column]:
    has_mixed_policies = len({evaluation.study.dataset.frame_policy for evaluation in evaluations}) > 1
    return [
        _Column(
            title=f"{protocol} ({evaluation.study.dataset.frame_policy})" if has_mixed_policies else protocol,
            protocol=protocol,
            frames=evaluation.study.dataset.frame_policy,
            outcomes={outcome.arm.name: outcome for outcome in evaluation.select_protocol(protocol)},
        )
        for evaluation in evaluations
        for protocol in evaluation.study.protocols
    ]


def _get_accuracy(scores: Scores) -> float:
    return scores.accuracy


def _build_row(
    name: str, columns: Sequence[_Column], *, loose_column: _Column, strict_column: _Column
) -> tuple[Cell, ...]:
    cells = [_build_accuracy_cell(column.outcomes[name]) for column in columns]
    has_collapsed = any(column.outcomes[name].collapsed_count for column in columns)
    drop_cell = _build_drop_cell(
        _build_accuracy_cell(loose_column.outcomes[name]), _build_accuracy_cell(strict_column.outcomes[name])
    )
    return (text_cell(f"{name} (collapsed in a column)" if has_collapsed else name), *cells, drop_cell)


def _build_accuracy_cell(outcome: Outcome) -> Cell:
    return (
        score_cell(outcome, _get_accuracy, by_frame=True)
        if outcome.trainings
        else text_cell(outcome.missing_status)
    )


def _build_drop_cell(before: Cell, after: Cell) -> Cell:
    if before.value is None or after.value is None:
        return text_cell(NO_VALUE)
    drop = after.value - before.value
    return Cell(text=format_points(drop), value=drop, run_keys=(*before.run_keys, *after.run_keys))


def _build_mean_row(
    columns: Sequence[_Column], *, loose_column: _Column, strict_column: _Column
) -> tuple[Cell, ...]:
    """Build the row of the mean over the networks that finished in every column.

    A network that collapsed in every training of a column is left out.
    """
    names = [
        name
        for name, outcome in loose_column.outcomes.items()
        if not is_null_arm(outcome.arm)
        and all(
            column.outcomes[name].trainings and not column.outcomes[name].is_fully_collapsed
            for column in columns
        )
    ]
    cells = {column.title: _build_aggregate_cell(column, names, aggregate=fmean) for column in columns}
    drop_cell = _build_drop_cell(cells[loose_column.title], cells[strict_column.title])
    accuracy_drop = (
        compute_accuracy_drop(
            *([column.outcomes[name] for name in names] for column in (loose_column, strict_column))
        )
        if names
        else None
    )
    if accuracy_drop and accuracy_drop.low is not None and accuracy_drop.high is not None:
        condition = ", these networks only" if accuracy_drop.is_conditional else ""
        low, high = format_points(-100 * accuracy_drop.high), format_points(-100 * accuracy_drop.low)
        drop_cell = replace(drop_cell, text=f"{drop_cell.text} [{low} to {high}{condition}]")
    return (text_cell("mean"), *cells.values(), drop_cell)


def _build_aggregate_cell(
    column: _Column, names: Sequence[str], *, aggregate: Callable[[list[float]], float]
) -> Cell:
    cells = [_build_accuracy_cell(column.outcomes[name]) for name in names]
    values = [cell.value for cell in cells if cell.value is not None]
    if not values:
        return text_cell(NO_VALUE)
    value = aggregate(values)
    return Cell(
        text=f"{value:.2f}", value=value, run_keys=tuple(key for cell in cells for key in cell.run_keys)
    )


def _build_leakage_row(columns: Sequence[_Column], group_name: str) -> tuple[Cell, ...]:
    """Build the row of the shares of test frames whose clip, or subject, is in training.

    Each column shows the share of its first finished network.
    """
    cells = []
    for column in columns:
        outcome = next((outcome for outcome in column.outcomes.values() if outcome.leakage), None)
        cells.append(
            share_cell(getattr(outcome.leakage, group_name), outcome.run_keys)
            if outcome
            else text_cell(NO_VALUE)
        )
    return (text_cell(f"{group_name} overlap, %"), *cells, text_cell(NO_VALUE))
