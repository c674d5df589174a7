"""Tables of `harness cost`: the cost of networks, and the paper's equations (1) and (2) block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from architectures.spec import ArchitectureSpec
from reports.formatting import NO_VALUE, count_cell, size_cell, text_cell
from reports.table import Cell, Table
from studies.cost import PAPER_BLOCK1_SEPARABLE, PAPER_BLOCK1_STANDARD, BlockCost, Cost

WORK_HEADER = ("Multiply-adds", "Activations", "Attention", "Additions", "Norm", "Pooling")
COST_NOTES = (
    "For one image in eval mode. Multiply-adds: convolutions and linear layers without biases; a "
    "multiplication and its addition count as one (fvcore's convention). The other columns count elementwise "
    "work, which the multiply-adds leave out: in elements, for Norm in operations, two per element.",
    "MiB: parameters × 4 bytes / 2^20 (the paper's MB), without buffers.",
    "Multiply-adds do not measure time: elementwise operations are bound by memory.",
)
PAPER_CLASSES = 6
SIZE_TOLERANCE = 0.011
"""Largest rounding difference from a size of the paper, in MiB: it prints 81.20 for ResNet34's 81.21."""

NamedCost = tuple[str, ArchitectureSpec, Cost, tuple[str, ...]]
"""(name to show, spec, cost, run keys)."""


def build_cost_table(costs: Sequence[tuple[ArchitectureSpec, Cost]], *, title_suffix: str = "") -> Table:
    """Return a table of each network's parameters, size and counted work; `title_suffix` ends the title."""
    return build_named_cost_table(
        [(spec.name, spec, cost, ()) for spec, cost in costs], title_suffix=title_suffix
    )


def build_named_cost_table(
    named_costs: Sequence[NamedCost],
    *,
    title_suffix: str = "",
    paper_sizes: Mapping[str, Decimal] | None = None,
    num_classes: int = 0,
) -> Table:
    """Return the same table with a chosen name and the run keys for each network.

    `paper_sizes` are the paper's sizes in MB by network; if passed, they fill a column of their own.
    """
    paper_header = ("Paper's MB",) if paper_sizes else ()
    size_notes = _build_size_notes(named_costs, paper_sizes, num_classes=num_classes) if paper_sizes else ()
    return Table(
        id="cost",
        title=f"Size and work of the networks{title_suffix}",
        header=("Network", "Parameters", "MiB", *paper_header, *WORK_HEADER),
        rows=tuple(_build_row(named_cost, paper_sizes) for named_cost in named_costs),
        notes=(*COST_NOTES, *_build_uncounted_notes(named_costs), *size_notes),
    )


def _build_row(named_cost: NamedCost, paper_sizes: Mapping[str, Decimal] | None) -> tuple[Cell, ...]:
    name, spec, cost, run_keys = named_cost
    work_counts = (
        cost.multiply_adds,
        cost.activations,
        cost.attention,
        cost.additions,
        cost.norm,
        cost.pooling,
    )
    size_cells = [size_cell(cost.mib, run_keys)]
    if paper_sizes:
        paper_size = paper_sizes.get(spec.name)
        size_cells.append(
            text_cell(NO_VALUE) if paper_size is None else Cell(text=str(paper_size), value=float(paper_size))
        )
    return (
        text_cell(name),
        count_cell(cost.parameters, run_keys),
        *size_cells,
        *(count_cell(work_count, run_keys) for work_count in work_counts),
    )


def _build_uncounted_notes(named_costs: Sequence[NamedCost]) -> tuple[str, ...]:
    names_by_operators: dict[str, list[str]] = {}
    for name, _, cost, _ in named_costs:
        operators = ", ".join(f"{operator} ({calls}×)" for operator, calls in cost.uncounted_ops)
        if operators:
            names_by_operators.setdefault(operators, []).append(name)
    if not names_by_operators:
        return ("The columns count every operator that computes.",)
    texts = [f"{operators} in {', '.join(names)}" for operators, names in names_by_operators.items()]
    return (f"Operators counted in no column: {'; '.join(texts)}.",)


def _build_size_notes(
    named_costs: Sequence[NamedCost], paper_sizes: Mapping[str, Decimal], *, num_classes: int
) -> tuple[str, ...]:
    if num_classes != PAPER_CLASSES:
        return (f"The paper's sizes are for {PAPER_CLASSES} classes, these for {num_classes}.",)
    mismatches = [
        f"{spec.name} ({cost.mib:.2f}, paper {paper_sizes[spec.name]})"
        for _, spec, cost, _ in named_costs
        if spec.width == 1 and spec.name in paper_sizes
        if abs(cost.mib - float(paper_sizes[spec.name])) > SIZE_TOLERANCE
    ]
    return (f"Sizes that differ from the paper's: {', '.join(mismatches)}.",) if mismatches else ()


def build_block_cost_table(costs: Sequence[BlockCost]) -> Table:
    """Return a table of equations (1) and (2) for each block, their sums, and the paper's two numbers."""
    first_blocks = [block for block in costs if block.name.startswith("1.")]
    rows = [
        _build_block_row(
            f"block {block.name}",
            block,
            channels_text=f"{block.in_channels}→{block.out_channels}, {block.side} px",
        )
        for block in costs
    ]
    rows.append(_build_block_row("stage 1", *first_blocks))
    rows.append(_build_block_row("all blocks", *costs))
    rows.append(
        _build_remaining_row('paper, "first block"', PAPER_BLOCK1_STANDARD, separable=PAPER_BLOCK1_SEPARABLE)
    )
    return Table(
        id=f"blocks-{costs[0].side}",
        title=f"Multiplications by the paper's equations (1) and (2) at {costs[0].side} px",
        header=("Block", "Channels, input side", "Standard (1)", "Separable (2)", "Remaining, %"),
        rows=tuple(rows),
        notes=(
            "Only the convolutions of the blocks count: no projections, attention, norm or classifier.",
            "The last row is printed in Section 3.1 for 224 px.",
        ),
        paper_items=("Section 3.1",),
    )


def _build_block_row(name: str, *blocks: BlockCost, channels_text: str = NO_VALUE) -> tuple[Cell, ...]:
    standard = sum(block.standard for block in blocks)
    return _build_remaining_row(
        name, standard, separable=sum(block.separable for block in blocks), channels_text=channels_text
    )


def _build_remaining_row(
    name: str, standard: int, *, separable: int, channels_text: str = NO_VALUE
) -> tuple[Cell, ...]:
    remaining = 100 * separable / standard
    remaining_cell = Cell(text=f"{remaining:.2f}", value=remaining)
    return (
        text_cell(name),
        text_cell(channels_text),
        count_cell(standard),
        count_cell(separable),
        remaining_cell,
    )
