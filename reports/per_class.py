"""Tables 3 and 5: the proposed network class by class, with the paper's rows among ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reports.beside import Beside, beside, departure_notes, title_of
from reports.columns import SEEN, score_notes, seen
from reports.numbers import NOTHING, count, label, percent, spread, whole
from reports.outcomes import Outcome, Outcomes
from reports.table import Cell, Table
from studies.metrics import ClassCounts
from studies.paper import PublishedClass

HEADER = ("Class", "Protocol", "TP", "TN", "FP", "FN", "Accuracy", "Precision", "Recall", "F1", *SEEN)
_COUNTS: tuple[Callable[[ClassCounts], float], ...] = (
    lambda counts: counts.tp,
    lambda counts: counts.tn,
    lambda counts: counts.fp,
    lambda counts: counts.fn,
)
_RATIOS: tuple[Callable[[ClassCounts], float], ...] = (
    lambda counts: counts.accuracy,
    lambda counts: counts.precision,
    lambda counts: counts.recall,
    lambda counts: counts.f1,
)


def class_table(study: Outcomes, arm: str = "proposed") -> Table:
    """One network, one class against the rest: a row for each protocol, and one of the paper's."""
    other = beside(study)
    rows = study.of(arm)
    cells = []
    for c, name in enumerate(study.classes):
        cells += [_row(row, c, name=name) for row in rows]
        printed = _printed(other, name) if arm == "proposed" else None
        if other and printed:
            cells.append(_paper_row(printed, other, name=name))
    names = ", ".join(sorted({row.name for row in rows}))
    title = title_of(study.study.dataset.name)
    return Table(
        id=f"classes-{study.study.name}",
        title=f"The network {names} on {title}, one class against the rest",
        header=HEADER,
        rows=tuple(cells),
        notes=(
            "TP, TN, FP and FN count frames under frame, clips under every other protocol.",
            *score_notes(study, rows),
            *(_paper_notes(study, other) if other else ()),
            *departure_notes(study.study),
        ),
        paper=other.items(other.published.per_class_table) if other else (),
    )


def _printed(other: Beside | None, name: str) -> PublishedClass | None:
    rows = other.published.per_class if other else ()
    return next((row for row in rows if row.label == name), None)


def _row(outcome: Outcome, c: int, *, name: str) -> tuple[Cell, ...]:
    classes = [seed.scores.per_class[c] for seed in outcome.seeds]
    counts = [spread([number(item) for item in classes], outcome.keys, show=count) for number in _COUNTS]
    present = [seed.scores.per_class[c] for seed in outcome.seeds if c not in seed.scores.absent]
    ratios = [_ratio([number(item) for item in present], outcome.keys) for number in _RATIOS]
    if not outcome.seeds:
        ratios[0] = label(outcome.state)
    return (label(name), label(outcome.protocol), *counts, *ratios, *seen(outcome))


def _ratio(shares: Sequence[float], keys: tuple[str, ...]) -> Cell:
    cell = spread(shares, keys, show=percent)
    return Cell(text=cell.text, value=None if cell.value is None else 100 * cell.value, run_keys=keys)


def _paper_row(printed: PublishedClass, other: Beside, *, name: str) -> tuple[Cell, ...]:
    counts = (printed.counts.tp, printed.counts.tn, printed.counts.fp, printed.counts.fn)
    shares = (printed.accuracy, printed.precision, printed.recall, printed.f1)
    source = f'{other.column}, "{printed.printed}"'
    return (
        label(name),
        label(source),
        *(whole(number) for number in counts),
        *(Cell(text=str(share), value=float(share)) for share in shares),
        label(NOTHING),
        label(NOTHING),
    )


def _paper_notes(study: Outcomes, other: Beside) -> tuple[str, ...]:
    lacking = [row.printed for row in other.published.per_class if row.label not in study.classes]
    unmatched = (f"Rows of the paper without a class here: {', '.join(lacking)}.",) if lacking else ()
    return (
        "The paper's rows stand by the class that their counts fit, with the printed name in quotation "
        "marks: the printed names do not fit its Table 2. Its split is by frame.",
        *other.notes,
        *(unmatched if study.classes else ()),
    )
