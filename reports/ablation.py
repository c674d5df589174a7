"""The ablation, rung by rung: what each changes, gains and costs (the paper's figures 16 to 18)."""

from __future__ import annotations

from dataclasses import fields

from architectures.catalogue import LADDER
from architectures.spec import ArchitectureSpec, BlockSpec
from reports.beside import Beside, beside, departure_notes, title_of
from reports.columns import SEEN, WHO, accuracy, score, score_notes, seen, who
from reports.comparison import METRICS, SAME_NUMBERS, arm_name
from reports.numbers import NOTHING, label, points, size, whole
from reports.outcomes import Outcome, Outcomes
from reports.table import Cell, Table
from studies.arms import LADDERS, reference
from studies.cost import Cost
from studies.paper import ABLATION, ABLATION_GAINS
from studies.spec import Study

_F1 = dict(METRICS)["f1"]
_RECALL = dict(METRICS)["recall"]
_AGAINST = {True: "that of the rung before", False: "that of the first network"}


def changes(before: ArchitectureSpec, after: ArchitectureSpec) -> tuple[tuple[str, str], ...]:
    """(part, "old → new") of everything in which two block networks differ."""
    pairs = [(f.name, getattr(before.block, f.name), getattr(after.block, f.name)) for f in fields(BlockSpec)]
    pairs += [(name, getattr(before, name), getattr(after, name)) for name in ("norm", "head", "network")]
    return tuple((name, f"{_word(old)} → {_word(new)}") for name, old, new in pairs if old != new)


def _word(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def ablation_table(study: Outcomes) -> Table:
    """Scores of each rung under each protocol, and the change of accuracy from the rung before."""
    other = _paper(study)
    paper = (f"{other.column}: accuracy", f"{other.column}: change") if other else ()
    rows = tuple(_row(study, row, other=other) for row in (*study.rows, *study.controls))
    return Table(
        id=f"ablation-{study.study.name}",
        title=f"Ablation on {title_of(study.study.dataset.name)}, design {study.study.design}, in %",
        header=("Rung", *WHO, "Accuracy", "Change", "F1 (UF1)", "Recall (UAR)", *paper, *SEEN),
        rows=rows,
        notes=(
            f"Change: accuracy minus {_AGAINST[study.study.design in LADDERS]}, same protocol, in points.",
            SAME_NUMBERS,
            *(_paper_notes(other) if other else ()),
            *score_notes(study, (*study.rows, *study.controls)),
            *departure_notes(study.study),
        ),
        paper=ablation_items(study, "Figure 16", "Figure 18"),
    )


def ablation_items(study: Outcomes, *items: str) -> tuple[str, ...]:
    """`items` where the paper's ablation may stand beside this study's, else nothing."""
    other = _paper(study)
    return other.items(*items) if other and study.study.arms[0].name == LADDER[0].name else ()


def _paper(study: Outcomes) -> Beside | None:
    other = beside(study.study.dataset.name)
    return other if other and other.published.dataset == ABLATION else None


def _paper_notes(other: Beside) -> tuple[str, ...]:
    return (
        "Of its ablation, by frame, the paper gives VGG16's accuracy, the last rung's, and two gains.",
        *other.notes,
    )


def _before(study: Outcomes, row: Outcome) -> Outcome | None:
    """The outcome that this one is set against under its protocol; None for the first, and for a control."""
    before = None if row.control else against(study.study, row.arm)
    return next((other for other in study.under(row.protocol) if other.arm is before), None)


def against(study: Study, arm: ArchitectureSpec) -> ArchitectureSpec | None:
    """The rung before on a ladder, the reference in every other design; None for the arm that has none."""
    place = study.arms.index(arm)
    if study.design in LADDERS:
        return study.arms[place - 1] if place else None
    other = reference(study.arms, design=study.design)
    return other if other != arm else None


def _row(study: Outcomes, row: Outcome, *, other: Beside | None) -> tuple[Cell, ...]:
    rung = NOTHING if row.control else str(study.study.arms.index(row.arm) + 1)
    return (
        label(rung),
        *who(row),
        accuracy(row),
        _change(study, row),
        score(row, _F1),
        score(row, _RECALL),
        *(_published(study, row, other=other) if other else ()),
        *seen(row),
    )


def _change(study: Outcomes, row: Outcome) -> Cell:
    before = _before(study, row)
    now, then = accuracy(row), accuracy(before) if before else None
    if then is None or now.value is None or then.value is None:
        return label(NOTHING)
    keys = (*then.run_keys, *now.run_keys)
    return Cell(text=points(now.value - then.value), value=now.value - then.value, run_keys=keys)


def _published(study: Outcomes, row: Outcome, *, other: Beside) -> tuple[Cell, Cell]:
    if row.protocol != "frame":
        return label(NOTHING), label(NOTHING)
    end = None if row.control else other.published.scores.get(row.arm.name)
    # The paper tells what a part adds on the way up; nothing of what taking it away costs.
    before = _before(study, row) if study.study.design in LADDERS else None
    parts = [part for part, _ in changes(before.arm, row.arm)] if before else []
    gain = next((ABLATION_GAINS[part] for part in parts if part in ABLATION_GAINS), None)
    return (
        label(NOTHING) if end is None else Cell(text=str(end.accuracy), value=float(end.accuracy)),
        label(NOTHING) if gain is None else Cell(text=f"+{gain}", value=float(gain)),
    )


def rung_table(study: Outcomes) -> Table:
    """What each arm is made of, what changed from the one that it is set against, and its cost."""
    rows = []
    for rung, arm in enumerate(study.study.arms, start=1):
        before = against(study.study, arm)
        found = next((row.first for row in study.of(arm.name) if row.first), None)
        changed = "; ".join(f"{part}: {what}" for part, what in changes(before, arm)) if before else NOTHING
        cost = _cost(found.cost, (found.spec.key,)) if found else (label("not run"), *[label(NOTHING)] * 3)
        rows.append((label(str(rung)), label(arm_name(study, arm.name)), label(changed), *cost))
    return Table(
        id=f"rungs-{study.study.name}",
        title=f"What each rung changes and costs, design {study.study.design}",
        header=("Rung", "Network", "Changed", "Parameters", "MiB", "Multiply-adds", "Elementwise"),
        rows=tuple(rows),
        notes=(
            "Elementwise: the work that multiply-adds leave out (activations, attention, additions, norm, "
            "pooling) in elements; norm in operations, two an element.",
            "A rung that changes more than one part cannot say which of them made the difference.",
        ),
    )


def _cost(cost: Cost, keys: tuple[str, ...]) -> tuple[Cell, ...]:
    elementwise = cost.activations + cost.attention + cost.additions + cost.norm + cost.pooling
    work = (whole(cost.multiply_adds, keys), whole(elementwise, keys))
    return (whole(cost.parameters, keys), size(cost.mib, keys), *work)
