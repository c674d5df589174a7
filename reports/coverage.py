"""Which of the paper's tables and figures these runs do not support, why, and the command that would."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from architectures.catalogue import COMPARISON, LADDER
from reports.beside import departures, title_of
from reports.outcomes import Outcomes
from studies.paper import ABLATION, ITEMS, PAPER


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """An item of `studies.paper.ITEMS` without support: why, and the command that would give it."""

    item: str
    why: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What an item is made from: a study of a kind (any: "") on a data set, the networks, the pictures."""

    item: str
    kind: str
    dataset: str
    arms: tuple[str, ...] = ()
    picture: str = ""


def _needs() -> tuple[_Need, ...]:
    seven, rungs = (tuple(arm.name for arm in arms) for arms in (COMPARISON, LADDER))
    needs = [_Need(item=f"Figure {n}", kind="ablation", dataset=ABLATION, arms=rungs) for n in (16, 17, 18)]
    needs.append(_Need(item="Figure 9", kind="", dataset=ABLATION, picture="augmentation"))
    for name, paper in PAPER.items():
        needs.append(_Need(item="Table 2", kind="", dataset=name))
        needs.append(_Need(item=paper.sheet, kind="", dataset=name, picture="samples"))
        needs.append(_Need(item=paper.per_class_table, kind="", dataset=name, arms=("proposed",)))
        figures = (paper.confusion_figure, paper.accuracy_figure, paper.loss_figure)
        needs += [
            _Need(item=item, kind="comparison", dataset=name, arms=seven)
            for item in (paper.comparison_table, *figures)
        ]
    order = list(ITEMS)
    return tuple(sorted(needs, key=lambda need: order.index(need.item)))


def gaps(studies: Sequence[Outcomes], pictures: Collection[str]) -> tuple[Gap, ...]:
    """What is missing, in the paper's order; `pictures` holds the names of those that were handed in."""
    found = []
    for need in _needs():
        reasons = [_reason(need, study, pictures) for study in studies if _fits(need, study)]
        if "" in reasons:
            continue
        kind = need.kind or "study"
        why = reasons[0] if reasons else f"No {kind} on {title_of(need.dataset)} here"
        found.append(Gap(item=need.item, why=why, command=_command(need)))
    return tuple(found)


def _fits(need: _Need, study: Outcomes) -> bool:
    return study.study.dataset.name == need.dataset and need.kind in ("", study.study.kind)


def _reason(need: _Need, study: Outcomes, pictures: Collection[str]) -> str:
    """Why this study does not support the item; "" if it does."""
    if study.drawn:
        return "The faces are drawn, not the release's"
    if need.picture:
        kept = f"{study.study.name}/{need.picture}" in pictures
        return "" if kept else "The picture was not kept with the study"
    if "frame" not in study.study.protocols:
        return "Not run under frame, the paper's split"
    rows = {row.arm.name: row for row in study.under("frame")}
    lacking = [arm for arm in need.arms if arm not in rows]
    if lacking:
        return f"Networks left out: {', '.join(lacking)}"
    unfinished = [arm for arm in need.arms if not rows[arm].seeds]
    if unfinished or not study.result.results:
        return f"Not finished under frame: {', '.join(unfinished) or 'any network'}"
    texts = departures(study.study)
    return f"Not the paper's settings: {'; '.join(texts)}" if texts and need.arms else ""


def _command(need: _Need) -> str:
    """What would give the item."""
    if need.kind == "ablation":
        return f"harness ablate --dataset {need.dataset} --design ladder --protocol frame"
    return f"harness compare --dataset {need.dataset} --protocol frame"
