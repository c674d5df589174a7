"""Tables 4 and 6: the networks side by side; what was measured, how far from the paper, at what size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reports.beside import Beside, beside, departure_notes, title_of
from reports.columns import SEEN, WHO, accuracy, score, score_notes, seen, short_notes, who
from reports.costs import named_cost_table
from reports.numbers import NOTHING, label, points
from reports.outcomes import Outcome, Outcomes
from reports.table import Cell, Table
from studies.metrics import Scores
from studies.paper import PublishedScores

METRICS: tuple[tuple[str, Callable[[Scores], float]], ...] = (
    ("accuracy", lambda scores: scores.accuracy),
    ("precision", lambda scores: scores.precision),
    ("recall", lambda scores: scores.recall),
    ("f1", lambda scores: scores.f1),
)
SAME_NUMBERS = (
    "Precision, recall and F1 are plain means over the classes, of pooled predictions: recall is the field's "
    "UAR, F1 its UF1."
)


def score_table(study: Outcomes) -> Table:
    """Every network and control under every protocol: its scores, by the protocol's unit and by frame."""
    rows = (*study.rows, *study.controls)
    grouped = study.study.protocols != ("frame",)
    frames = ("Accuracy by frame", "F1 by frame") if grouped else ()
    other = beside(study)
    return Table(
        id=f"scores-{study.study.name}",
        title=f"Networks on {title_of(study.study.dataset.name)}, in %",
        header=(*WHO, "Accuracy", "Precision", "Recall (UAR)", "F1 (UF1)", *frames, *SEEN),
        rows=tuple(_score_row(row, grouped=grouped) for row in rows),
        notes=(SAME_NUMBERS, *score_notes(study, rows), *departure_notes(study.study)),
        paper=other.items(other.published.comparison_table) if other else (),
    )


def _score_row(row: Outcome, *, grouped: bool) -> tuple[Cell, ...]:
    rest = [score(row, number) for _, number in METRICS[1:]]
    frames = [score(row, number, by_frame=True) for name, number in METRICS if name in ("accuracy", "f1")]
    return (*who(row), accuracy(row), *rest, *(frames if grouped else ()), *seen(row))


def paper_table(study: Outcomes) -> Table | None:
    """The paper's scores and, where the data are the same, our distance from them; None if it has none."""
    other = beside(study)
    if other is None:
        return None
    names = ("accuracy", "precision", "recall", "F1")
    paper = tuple(f"{other.column}: {name}" for name in names)
    difference = tuple(f"Δ {name}" for name in names) if other.same else ()
    notes = (
        f"Paper: {other.published.comparison_table}, in %, by frame.",
        *(
            ("Δ: ours minus the paper's, in points; of the mean where there are several seeds.",)
            if other.same
            else ()
        ),
        *other.notes,
        *short_notes(study.rows),
        *departure_notes(study.study),
    )
    return Table(
        id=f"paper-{study.study.name}",
        title=f"The paper's scores beside ours on {title_of(study.study.dataset.name)}",
        header=(*WHO[:2], "Ours: accuracy", *paper, *difference, *SEEN),
        rows=tuple(_paper_row(row, other) for row in study.rows),
        notes=notes,
        paper=other.items(other.published.comparison_table),
    )


def _paper_row(row: Outcome, other: Beside) -> tuple[Cell, ...]:
    printed = other.published.scores.get(row.arm.name)
    differences = [_difference(row, printed, metric=name) for name, _ in METRICS] if other.same else []
    return (
        *who(row)[:2],
        accuracy(row),
        *(_printed(printed, name) for name, _ in METRICS),
        *differences,
        *seen(row),
    )


def _printed(printed: PublishedScores | None, metric: str) -> Cell:
    if printed is None:
        return label(NOTHING)
    value = getattr(printed, metric)
    return Cell(text=str(value), value=float(value))


def _difference(row: Outcome, printed: PublishedScores | None, *, metric: str) -> Cell:
    ours = score(row, dict(METRICS)[metric])
    if printed is None or ours.value is None:
        return label(NOTHING)
    difference = ours.value - float(getattr(printed, metric))
    return Cell(text=points(difference), value=difference, run_keys=ours.run_keys)


def size_table(study: Outcomes) -> Table | None:
    """Size and work of every network that has run, with the paper's size beside; None if none has."""
    rows = []
    for arm in study.study.arms:
        found = next((row.first for row in study.of(arm.name) if row.first), None)
        if found:
            rows.append((arm_name(study, arm.name), arm, found.cost, (found.spec.key,)))
    if not rows:
        return None
    other = beside(study)
    sizes = {arm: scores.mib for arm, scores in other.published.scores.items()} if other else None
    pixels, classes = study.study.dataset.image_size, len(study.classes)
    about = f" at {pixels} px and {classes} classes"
    table = named_cost_table(rows, about=about, paper=sizes, classes=classes)
    items = other.items(other.published.comparison_table) if other else ()
    return replace(table, id=f"cost-{study.study.name}", paper=items)


def arm_name(study: Outcomes, arm: str) -> str:
    """The arm's name where a row stands for all protocols, with the protocols it collapsed under."""
    rows = study.of(arm)
    under = [row.protocol for row in rows if row.collapsed]
    marks = [rows[0].scale] if rows[0].scale else []
    if under:
        marks.append(f"collapsed under {', '.join(under)}")
    return f"{arm} ({', '.join(marks)})" if marks else arm
