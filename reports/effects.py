"""What each part of the block is worth on its own: effects, interactions and shares of a factorial design.

Every number is one weighted sum over the sixteen arms (`studies.statistics.factorial`), so that all have
intervals of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from architectures.parts import BLOCK_PARTS, parts_of
from architectures.spec import BLOCKS
from reports.columns import SEEN_NOTE, audit_notes, gap_notes, mark_notes
from reports.differences import span
from reports.numbers import label, points
from reports.outcomes import Outcomes
from reports.pairing import pair_up
from reports.table import Cell, Table
from studies.metrics import METRIC_NAMES
from studies.spec import is_null
from studies.statistics.factorial import in_order, interaction, main_effect, minus, shapley
from studies.statistics.verdicts import MIN_TRAININGS

Weights = Mapping[frozenset[str], float]


def effect_table(study: Outcomes) -> Table | None:
    """Main effects, interactions, Shapley shares and what the paper's order makes of them, by protocol."""
    if study.study.design != "factorial":
        return None
    rows = [row for protocol in study.study.protocols for row in _rows(study, protocol)]
    if not rows:
        return None
    return Table(
        id=f"effects-{study.study.name}",
        title=f"Effect of each part over all combinations, in points of {METRIC_NAMES[study.study.metric]}",
        header=("Protocol", "Quantity", "Part", "Estimate", "95 % interval"),
        rows=tuple(rows),
        notes=(
            "Main effect: mean difference between the arms with and without the part. Interaction: half the "
            "change of one part's effect when the other is added. Average over orders: the part's gain when "
            "it is added, averaged over every order of adding the parts (Shapley). In the paper's order: its "
            "gain at its place in CBAM, residual, separable, PReLU; less the average: how far that order "
            "flatters (+) or hides (-) it.",
            "Intervals: over subjects and trainings, each for itself and not adjusted for their number; "
            f"with fewer than {MIN_TRAININGS} trainings they are conditional on these trained networks.",
            SEEN_NOTE,
            *audit_notes(study.rows),
            *gap_notes(study.rows),
            *mark_notes(study.rows),
        ),
    )


def effects_in_words(study: Outcomes, protocol: str) -> Iterator[str]:
    """What each part gains on average over all orders, the most first; nothing where that is not known."""
    if study.study.design != "factorial":
        return
    wanted = "average over orders"
    rows = [row for row in _rows(study, protocol) if row[1].text == wanted]
    rows.sort(key=lambda row: -(row[3].value or 0.0))
    if rows:
        told = ", ".join(f"{part.text} {gain.text} [{span.text}]" for _, _, part, gain, span in rows)
        yield (
            f"Under {protocol}, in points of {METRIC_NAMES[study.study.metric]}, averaged over every order "
            f"of adding the parts: {told} "
            "(intervals each for itself)."
        )


def _rows(study: Outcomes, protocol: str) -> Iterator[tuple[Cell, ...]]:
    """The rows of one protocol; none before all of its arms have a seed in common."""
    arms = tuple(row for row in study.under(protocol) if row.arm.network == BLOCKS)
    arms = tuple(row for row in arms if not is_null(row.arm))
    found = pair_up(arms, study.study.metric)
    if found is None:
        return
    on = {row.arm.name: parts_of(row.arm) & set(BLOCK_PARTS) for row in arms}
    parts = tuple(part for part in BLOCK_PARTS if any(part in members for members in on.values()))
    keys = tuple(key for row in arms for key in row.keys)
    for quantity, about, weights in _quantities(parts):
        contrast = {arm: weights.get(members, 0.0) for arm, members in on.items()}
        (interval,) = (None,) if found.obstacle else found.compare([contrast])
        gain = 100 * found.value(contrast)
        estimate = Cell(text=points(gain), value=gain, run_keys=keys)
        yield (label(protocol), label(quantity), label(about), estimate, label(span(interval)))


def _quantities(parts: tuple[str, ...]) -> Iterator[tuple[str, str, Weights]]:
    """(quantity, the part or parts that it is about, weights by the parts that are on)."""
    for part in parts:
        yield "main effect", part, main_effect(parts, part)
    for first, second in combinations(parts, 2):
        yield "interaction", f"{first} × {second}", interaction(parts, first, second)
    for part in parts:
        yield "average over orders", part, shapley(parts, part)
    for part in parts:
        yield "in the paper's order", part, in_order(parts, part)
    for part in parts:
        yield "order less average", part, minus(in_order(parts, part), shapley(parts, part))
