"""The effect of the split protocol: the same networks on the same frames under every protocol, side by side.

Scores under different protocols are counted in different units, so this table counts frames throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean

from reports.beside import departure_notes
from reports.columns import SEEN_NOTE, audit_notes, gap_notes, mark_notes, score
from reports.fall import fall
from reports.numbers import NOTHING, label, points, share_cell
from reports.outcomes import Outcome, Outcomes
from reports.run_notes import headline_of
from reports.table import Cell, Table
from studies.metrics import Scores
from studies.spec import is_null

STRICTNESS = ("frame", "clip", "subject", "kfold", "loso")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One protocol on one choice of frames, with its outcomes by the networks' names."""

    title: str
    protocol: str
    frames: str
    rows: dict[str, Outcome]


def inflation_tables(studies: Sequence[Outcomes]) -> tuple[Table, ...]:
    """One table for all studies of the same networks on the same data, where their protocols are several.

    Studies that differ in their choice of frames alone stand in one table, each under its own heading.
    """

    def alike(study: Outcomes) -> str:
        spec = study.study
        same = (
            spec.kind,
            spec.design,
            spec.preset,
            spec.dataset.name,
            spec.dataset.image_size,
            spec.training,
        )
        return repr(
            (*same, spec.arms, spec.split_seeds, spec.seeds, spec.dataset.representation, spec.searches)
        )

    grouped = (tuple(members) for _, members in groupby(sorted(studies, key=alike), key=alike))
    found = (_table(members) for members in grouped)
    return tuple(table for table in found if table)


def _table(studies: Sequence[Outcomes]) -> Table | None:
    # Two studies may hold the same column; the first stands for both.
    different = {(column.protocol, column.frames): column for column in reversed(_columns(studies))}
    columns = sorted(different.values(), key=lambda column: STRICTNESS.index(column.protocol))
    loose = [column for column in columns if column.protocol == "frame"]
    strict = [column for column in columns if column.protocol != "frame"]
    if not loose or not strict:
        return None
    # The fall is that on the same frames; the paper's choice of frames is one more column.
    base = next((column for column in loose if column.frames == strict[-1].frames), loose[0])
    columns = [*(column for column in loose if column is not base), base, *strict]
    study, names = studies[0].study, [arm.name for arm in studies[0].study.arms]
    outcomes = [row for column in columns for row in column.rows.values()]
    return Table(
        id=f"inflation-{study.name}",
        title=f"Effect of the split protocol ({headline_of(study)}): accuracy by frame, in %",
        header=("Network", *(column.title for column in columns), f"{base.protocol} → {strict[-1].protocol}"),
        rows=(
            *(_row(name, columns, base=base, last=strict[-1]) for name in names),
            _means(columns, base=base, last=strict[-1]),
            _seen(columns, "clip"),
            _seen(columns, "subject"),
        ),
        notes=(
            "Mean: over the networks that finished in every column and collapsed in none, with the 95 % "
            "interval of its fall.",
            SEEN_NOTE,
            *audit_notes(outcomes),
            *gap_notes(outcomes),
            *mark_notes(outcomes),
            *departure_notes(study),
        ),
    )


def _columns(studies: Sequence[Outcomes]) -> list[_Column]:
    several = len({study.study.dataset.frames for study in studies}) > 1
    return [
        _Column(
            title=f"{protocol} ({study.study.dataset.frames})" if several else protocol,
            protocol=protocol,
            frames=study.study.dataset.frames,
            rows={row.arm.name: row for row in study.under(protocol)},
        )
        for study in studies
        for protocol in study.study.protocols
    ]


def _accuracy(scores: Scores) -> float:
    return scores.accuracy


def _row(name: str, columns: Sequence[_Column], *, base: _Column, last: _Column) -> tuple[Cell, ...]:
    cells = [_cell(column.rows[name]) for column in columns]
    marked = any(column.rows[name].collapsed for column in columns)
    fall = _fall(_cell(base.rows[name]), _cell(last.rows[name]))
    return (label(f"{name} (collapsed in a column)" if marked else name), *cells, fall)


def _cell(row: Outcome) -> Cell:
    return score(row, _accuracy, by_frame=True) if row.seeds else label(row.state)


def _fall(before: Cell, after: Cell) -> Cell:
    if before.value is None or after.value is None:
        return label(NOTHING)
    fall = after.value - before.value
    return Cell(text=points(fall), value=fall, run_keys=(*before.run_keys, *after.run_keys))


def _means(columns: Sequence[_Column], *, base: _Column, last: _Column) -> tuple[Cell, ...]:
    """The mean over the networks that finished in every column and collapsed in none."""
    names = [
        name
        for name, row in base.rows.items()
        if not is_null(row.arm)
        and all(column.rows[name].seeds and not column.rows[name].collapsed for column in columns)
    ]
    cells = {column.title: _over(column, names, mean=fmean) for column in columns}
    change = _fall(cells[base.title], cells[last.title])
    found = fall(*([column.rows[name] for name in names] for column in (base, last))) if names else None
    if found and found.low is not None and found.high is not None:
        only = ", these networks only" if found.conditional else ""
        interval = f" [{points(-100 * found.high)} to {points(-100 * found.low)}{only}]"
        change = replace(change, text=change.text + interval)
    return (label("mean"), *cells.values(), change)


def _over(column: _Column, names: Sequence[str], *, mean: Callable[[list[float]], float]) -> Cell:
    found = [_cell(column.rows[name]) for name in names]
    values = [cell.value for cell in found if cell.value is not None]
    if not values:
        return label(NOTHING)
    value = mean(values)
    return Cell(
        text=f"{value:.2f}", value=value, run_keys=tuple(key for cell in found for key in cell.run_keys)
    )


def _seen(columns: Sequence[_Column], what: str) -> tuple[Cell, ...]:
    """Share of the test frames whose clip, or subject, was seen: that of the first network that finished."""
    cells = []
    for column in columns:
        row = next((row for row in column.rows.values() if row.leakage), None)
        cells.append(share_cell(getattr(row.leakage, what), row.keys) if row else label(NOTHING))
    return (label(f"{what} seen, %"), *cells, label(NOTHING))
