"""The ablation, arm by arm: what each changes, gains and costs (the paper's figures 16 to 18).

The arms of a ladder are its rungs. What a row is compared with, and which of the two is the gain's, is that
of the study's family (`studies.arms.pairs`), as in the table of differences.
"""

from __future__ import annotations

from dataclasses import fields

from architectures.catalogue import LADDER
from architectures.spec import USER, ArchitectureSpec, BlockSpec
from reports.beside import Beside, beside, departure_notes, title_of
from reports.columns import SEEN, WHO, accuracy, score, score_notes, seen, who
from reports.comparison import METRICS, SAME_NUMBERS, arm_name
from reports.numbers import NOTHING, label, points, size, whole
from reports.outcomes import Outcome, Outcomes
from reports.table import Cell, Table
from studies.arms import LADDERS, pairs, reference
from studies.cost import Cost
from studies.paper import ABLATION, ABLATION_GAINS
from studies.spec import Study

_F1 = dict(METRICS)["f1"]
_RECALL = dict(METRICS)["recall"]


def changes(before: ArchitectureSpec, after: ArchitectureSpec) -> tuple[tuple[str, str], ...]:
    """(part, "old → new") of everything in which two networks of blocks differ, or that one is none."""
    if before.network != after.network:
        return (("network", f"{before.network} → {after.network}"),)
    parts = [(f.name, getattr(before.block, f.name), getattr(after.block, f.name)) for f in fields(BlockSpec)]
    parts += [(name, getattr(before, name), getattr(after, name)) for name in ("norm", "head", "width")]
    return tuple((name, f"{_word(old)} → {_word(new)}") for name, old, new in parts if old != new)


def _word(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def ablation_table(study: Outcomes) -> Table:
    """Scores of each arm under each protocol, and what the accuracy gains in the pair that it belongs to."""
    other = _paper(study)
    paper = (f"{other.column}: accuracy", f"{other.column}: change") if other else ()
    rows = tuple(_row(study, row, other=other) for row in (*study.rows, *study.controls))
    return Table(
        id=f"ablation-{study.study.name}",
        title=f"Ablation on {title_of(study.study.dataset.name)}, design {study.study.design}, in %",
        header=(
            _step(study.study),
            *WHO,
            "Accuracy",
            "Change" if study.study.design in LADDERS else "Gain",
            "F1 (UF1)",
            "Recall (UAR)",
            *paper,
            *SEEN,
        ),
        rows=rows,
        notes=(
            f"{_gain_note(study.study)}. In points of accuracy under the same protocol.",
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
    other = beside(study)
    return other if other and other.published.dataset == ABLATION else None


def _paper_notes(other: Beside) -> tuple[str, ...]:
    return (
        "Of its ablation, by frame, the paper gives VGG16's accuracy, the proposed network's, and two gains.",
        *other.notes,
    )


def _step(study: Study) -> str:
    return "Rung" if study.design in LADDERS else "Arm"


def _gain_note(study: Study) -> str:
    first = reference(study.arms, design=study.design).name
    gain = f"Gain: of {first} over an arm that lacks one of its parts, else of the arm over {first}"
    note = "Change: from the rung before" if study.design in LADDERS else gain
    own = [pair for arm in study.arms if arm.network == USER and (pair := pair_of(study, arm))]
    return "; ".join((note, *(f"beside {before.name} that of {after.name} over it" for before, after in own)))


def pair_of(study: Study, arm: ArchitectureSpec) -> tuple[ArchitectureSpec, ArchitectureSpec] | None:
    """(before, after), the pair that an arm's row tells of; None for the arm that the others start from.

    The arms of a factorial are in no pair, so they are set against the bare network.
    """
    first = reference(study.arms, design=study.design)
    if arm == first:
        return None
    others = tuple(each for each in study.arms if each.network != USER or each == arm)
    found = (pair for pair in pairs(others, design=study.design) if arm in pair)
    return next(found, (first, arm))


def _number(study: Study, arm: ArchitectureSpec) -> str:
    """The arm's place among the arms; up a ladder among the rungs, of which an own network is none."""
    placed = [each for each in study.arms if study.design not in LADDERS or each.network != USER]
    return str(placed.index(arm) + 1) if arm in placed else NOTHING


def _row(study: Outcomes, row: Outcome, *, other: Beside | None) -> tuple[Cell, ...]:
    return (
        label(NOTHING if row.control else _number(study.study, row.arm)),
        *who(row),
        accuracy(row),
        _change(study, row),
        score(row, _F1),
        score(row, _RECALL),
        *(_published(study, row, other=other) if other else ()),
        *seen(row),
    )


def _change(study: Outcomes, row: Outcome) -> Cell:
    pair = None if row.control else pair_of(study.study, row.arm)
    if pair is None:
        return label(NOTHING)
    rows = {each.arm.name: each for each in study.under(row.protocol)}
    then, now = (accuracy(rows[arm.name]) for arm in pair)
    if now.value is None or then.value is None:
        return label(NOTHING)
    keys = (*then.run_keys, *now.run_keys)
    return Cell(text=points(now.value - then.value), value=now.value - then.value, run_keys=keys)


def _published(study: Outcomes, row: Outcome, *, other: Beside) -> tuple[Cell, Cell]:
    if row.protocol != "frame":
        return label(NOTHING), label(NOTHING)
    end = None if row.control else other.published.scores.get(row.arm.name)
    # The paper tells what a part adds on the way up; nothing of what taking it away costs.
    climbs = study.study.design in LADDERS and not row.control
    pair = pair_of(study.study, row.arm) if climbs else None
    parts = [part for part, _ in changes(*pair)] if pair else []
    gain = next((ABLATION_GAINS[part] for part in parts if part in ABLATION_GAINS), None)
    return (
        label(NOTHING) if end is None else Cell(text=str(end.accuracy), value=float(end.accuracy)),
        label(NOTHING) if gain is None else Cell(text=f"+{gain}", value=float(gain)),
    )


def rung_table(study: Outcomes) -> Table:
    """What each arm changes of the one that it is compared with, and its cost."""
    step = _step(study.study)
    rows = []
    for arm in study.study.arms:
        found = next((row.first for row in study.of(arm.name) if row.first), None)
        cost = _cost(found.cost, (found.spec.key,)) if found else (label("not run"), *[label(NOTHING)] * 3)
        names = (_number(study.study, arm), arm_name(study, arm.name), _changed(study.study, arm))
        rows.append((*map(label, names), *cost))
    return Table(
        id=f"rungs-{study.study.name}",
        title=f"What each {step.lower()} changes and costs, design {study.study.design}",
        header=(step, "Network", "Changed", "Parameters", "MiB", "Multiply-adds", "Elementwise"),
        rows=tuple(rows),
        notes=(
            "Changed: from the network that it is compared with to this one.",
            "Elementwise: the work that multiply-adds leave out (activations, attention, additions, norm, "
            "pooling) in elements; norm in operations, two an element.",
            "Where more than one part changes, none can be said to have made the difference.",
        ),
    )


def _changed(study: Study, arm: ArchitectureSpec) -> str:
    pair = pair_of(study, arm)
    if pair is None:
        return NOTHING
    (other,) = (each for each in pair if each != arm)
    return "; ".join(f"{part}: {what}" for part, what in changes(other, arm))


def _cost(cost: Cost, keys: tuple[str, ...]) -> tuple[Cell, ...]:
    elementwise = cost.activations + cost.attention + cost.additions + cost.norm + cost.pooling
    work = (whole(cost.multiply_adds, keys), whole(elementwise, keys))
    return (whole(cost.parameters, keys), size(cost.mib, keys), *work)
