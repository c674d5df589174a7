"""The six parts that turn VGG16 into the proposed network, each of which can be on or off.

Four belong to the block and are the paper's; batch norm and the GAP head came in without being named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from architectures.spec import ArchitectureSpec

BLOCK_COMPONENTS: Mapping[str, tuple[str, object]] = {
    "cbam": ("attention", "cbam"),
    "residual": ("residual", True),
    "separable": ("convolution", "separable"),
    "prelu": ("activation", "prelu"),
}
"""Part by name: the field of BlockSpec that it sets, and to what; the paper's order."""

NETWORK_COMPONENTS: Mapping[str, tuple[str, object]] = {
    "batch-norm": ("norm", "batch"),
    "gap-head": ("head", "gap"),
}
"""The same of ArchitectureSpec."""

COMPONENTS = (*BLOCK_COMPONENTS, *NETWORK_COMPONENTS)


def with_components(components: Collection[str], *, name: str) -> ArchitectureSpec:
    """VGG16 with these parts on and the others off.

    Raises:
        ValueError: no such part; the message lists them.
    """
    unknown = [component for component in components if component not in COMPONENTS]
    if unknown:
        raise ValueError(f"unknown part {unknown[0]!r}; accepted: {', '.join(COMPONENTS)}")
    baseline = ArchitectureSpec(name=name)
    block_fields, network_fields = (
        {field: value for component, (field, value) in table.items() if component in components}
        for table in (BLOCK_COMPONENTS, NETWORK_COMPONENTS)
    )
    return replace(baseline, block=replace(baseline.block, **block_fields), **network_fields)  # type: ignore[arg-type]


def get_components(spec: ArchitectureSpec) -> frozenset[str]:
    """The parts that are on in a block network."""
    block_components = (
        component
        for component, (field, value) in BLOCK_COMPONENTS.items()
        if getattr(spec.block, field) == value
    )
    network_components = (
        component for component, (field, value) in NETWORK_COMPONENTS.items() if getattr(spec, field) == value
    )
    return frozenset((*block_components, *network_components))
