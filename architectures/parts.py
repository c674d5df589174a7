"""The six parts that turn VGG16 into the proposed network, each of which can be on or off.

Four belong to the block and are the paper's; batch norm and the GAP head came in without being named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from architectures.spec import ArchitectureSpec

BLOCK_PARTS: Mapping[str, tuple[str, object]] = {
    "cbam": ("attention", "cbam"),
    "residual": ("residual", True),
    "separable": ("convolution", "separable"),
    "prelu": ("activation", "prelu"),
}
"""Part by name: the field of BlockSpec that it sets, and to what; the paper's order."""

NETWORK_PARTS: Mapping[str, tuple[str, object]] = {
    "batch-norm": ("norm", "batch"),
    "gap-head": ("head", "gap"),
}
"""The same of ArchitectureSpec."""

PARTS = (*BLOCK_PARTS, *NETWORK_PARTS)


def with_parts(parts: Collection[str], *, name: str) -> ArchitectureSpec:
    """VGG16 with these parts on and the others off.

    Raises:
        ValueError: no such part; the message lists them.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise ValueError(f"unknown part {unknown[0]!r}; accepted: {', '.join(PARTS)}")
    plain = ArchitectureSpec(name=name)
    inside, around = (
        {field: value for part, (field, value) in table.items() if part in parts}
        for table in (BLOCK_PARTS, NETWORK_PARTS)
    )
    return replace(plain, block=replace(plain.block, **inside), **around)  # type: ignore[arg-type]


def parts_of(spec: ArchitectureSpec) -> frozenset[str]:
    """The parts that are on in a block network."""
    inside = (part for part, (field, value) in BLOCK_PARTS.items() if getattr(spec.block, field) == value)
    around = (part for part, (field, value) in NETWORK_PARTS.items() if getattr(spec, field) == value)
    return frozenset((*inside, *around))
