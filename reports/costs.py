"""What networks cost, and the paper's equations (1) and (2) block by block; `harness cost` prints both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from architectures.spec import ArchitectureSpec
from reports.numbers import NOTHING, label, size, whole
from reports.table import Cell, Table
from studies.cost import PAPER_BLOCK1_SEPARABLE, PAPER_BLOCK1_STANDARD, BlockCost, Cost

COUNTED = ("Multiply-adds", "Activations", "Attention", "Additions", "Norm", "Pooling")
NOTES = (
    "One image, eval mode. Multiply-adds: convolutions and linear layers, a multiplication and its addition "
    "counted as one, biases left out (fvcore's convention). The other columns count elementwise work, which "
    "that total leaves out, in elements; norm in operations, two an element.",
    "MiB: parameters × 4 bytes / 2^20, the paper's MB; buffers left out.",
    "Multiply-adds are not time: what works on single elements is bound by memory.",
)
PAPER_CLASSES = 6
TOLERANCE = 0.011
"""In MiB; the paper's 81.20 for ResNet34's 81.21 is a matter of rounding."""

Named = tuple[str, ArchitectureSpec, Cost, tuple[str, ...]]


def cost_table(rows: Sequence[tuple[ArchitectureSpec, Cost]], *, about: str = "") -> Table:
    """Parameters, size and counted work of each network; `about` ends the title."""
    return named_cost_table([(spec.name, spec, cost, ()) for spec, cost in rows], about=about)


def named_cost_table(
    rows: Sequence[Named], *, about: str = "", paper: Mapping[str, Decimal] | None = None, classes: int = 0
) -> Table:
    """The same from (name to show, spec, cost, run keys), with the paper's sizes in MB by network beside."""
    beside = ("Paper's MB",) if paper else ()
    notes = _size_notes(rows, paper, classes=classes) if paper else ()
    return Table(
        id="cost",
        title=f"Size and work of the networks{about}",
        header=("Network", "Parameters", "MiB", *beside, *COUNTED),
        rows=tuple(_row(row, paper) for row in rows),
        notes=(*NOTES, *_uncounted(rows), *notes),
    )


def _row(row: Named, paper: Mapping[str, Decimal] | None) -> tuple[Cell, ...]:
    name, spec, cost, keys = row
    work = (cost.multiply_adds, cost.activations, cost.attention, cost.additions, cost.norm, cost.pooling)
    sizes = [size(cost.mib, keys)]
    if paper:
        printed = paper.get(spec.name)
        sizes.append(label(NOTHING) if printed is None else Cell(text=str(printed), value=float(printed)))
    return (label(name), whole(cost.parameters, keys), *sizes, *(whole(number, keys) for number in work))


def _uncounted(rows: Sequence[Named]) -> tuple[str, ...]:
    networks: dict[str, list[str]] = {}
    for name, _, cost, _ in rows:
        operators = ", ".join(f"{operator} ({calls}×)" for operator, calls in cost.uncounted)
        if operators:
            networks.setdefault(operators, []).append(name)
    if not networks:
        return ("Every operator that computes is in a column.",)
    texts = [f"{operators} in {', '.join(names)}" for operators, names in networks.items()]
    return (f"Operators that are in no column: {'; '.join(texts)}.",)


def _size_notes(rows: Sequence[Named], paper: Mapping[str, Decimal], *, classes: int) -> tuple[str, ...]:
    if classes != PAPER_CLASSES:
        return (f"The paper's sizes are for {PAPER_CLASSES} classes, these for {classes}.",)
    off = [
        f"{spec.name} ({cost.mib:.2f}, paper {paper[spec.name]})"
        for _, spec, cost, _ in rows
        if spec.width == 1 and spec.name in paper
        if abs(cost.mib - float(paper[spec.name])) > TOLERANCE
    ]
    return (f"Sizes that are not the paper's: {', '.join(off)}.",) if off else ()


def block_cost_table(costs: Sequence[BlockCost]) -> Table:
    """Equations (1) and (2) for each block, sums, and the paper's two figures for the first block."""
    first = [block for block in costs if block.name.startswith("1.")]
    rows = [
        _block_row(f"block {block.name}", block, place=f"{block.inputs}→{block.outputs}, {block.side} px")
        for block in costs
    ]
    rows.append(_block_row("stage 1", *first))
    rows.append(_block_row("all blocks", *costs))
    rows.append(_left('paper, "first block"', PAPER_BLOCK1_STANDARD, separable=PAPER_BLOCK1_SEPARABLE))
    return Table(
        id=f"blocks-{costs[0].side}",
        title=f"Multiplications by the paper's equations (1) and (2) at {costs[0].side} px",
        header=("Block", "Channels, map", "Standard (1)", "Separable (2)", "Left, %"),
        rows=tuple(rows),
        notes=(
            "Convolutions of the blocks alone: no projections, attention, norm or classifier.",
            "The last row is what Section 3.1 prints, for 224 px.",
        ),
        paper=("Section 3.1",),
    )


def _block_row(name: str, *blocks: BlockCost, place: str = NOTHING) -> tuple[Cell, ...]:
    standard = sum(block.standard for block in blocks)
    return _left(name, standard, separable=sum(block.separable for block in blocks), place=place)


def _left(name: str, standard: int, *, separable: int, place: str = NOTHING) -> tuple[Cell, ...]:
    left = 100 * separable / standard
    share = Cell(text=f"{left:.2f}", value=left)
    return (label(name), label(place), whole(standard), whole(separable), share)
