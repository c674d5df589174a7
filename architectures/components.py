"""The six components that turn VGG16 into the proposed network; each can be on or off.

Four belong to the block, and the paper's ablation names them. The proposed network also has batch norm and
the GAP head, which the ablation does not name.
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
"""The field of `BlockSpec` that each component sets, and the value, in the paper's order."""

NETWORK_COMPONENTS: Mapping[str, tuple[str, object]] = {
    "batch-norm": ("norm", "batch"),
    "gap-head": ("head", "gap"),
}
"""The field of `ArchitectureSpec` that each component sets, and the value."""

COMPONENTS = (*BLOCK_COMPONENTS, *NETWORK_COMPONENTS)


def with_components(components: Collection[str], *, name: str) -> ArchitectureSpec:
    """Return VGG16 with these components on and all others off.

    Raises:
        ValueError: a component is unknown; the message lists the accepted names.
    """
    unknown = [component for component in components if component not in COMPONENTS]
    if unknown:
        raise ValueError(f"unknown component {unknown[0]!r}; accepted: {', '.join(COMPONENTS)}")
    baseline = ArchitectureSpec(name=name)
    block_fields, network_fields = (
        {field: value for component, (field, value) in table.items() if component in components}
        for table in (BLOCK_COMPONENTS, NETWORK_COMPONENTS)
    )
    return replace(baseline, block=replace(baseline.block, **block_fields), **network_fields)  # type: ignore[arg-type]


def get_components(spec: ArchitectureSpec) -> frozenset[str]:
    """Return the components that are on in a block network."""
    block_components = (
        component
        for component, (field, value) in BLOCK_COMPONENTS.items()
        if getattr(spec.block, field) == value
    )
    network_components = (
        component for component, (field, value) in NETWORK_COMPONENTS.items() if getattr(spec, field) == value
    )
    return frozenset((*block_components, *network_components))
