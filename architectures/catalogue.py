"""The table of all named architectures. The commands, the tests and the reports take their networks from it.

`LADDER` is the paper's ablation. The paper does not say at which step batch norm and the GAP head are added;
we read it as with the residual connections. `CONTROLLED_LADDER` has both in all five rungs, so that each rung
changes one component.
"""

from __future__ import annotations

from dataclasses import replace

from architectures.baselines import BASELINES, get_baseline
from architectures.errors import ArchitectureError
from architectures.spec import (
    BLOCK_NETWORK,
    COMPONENTS,
    USER_NETWORK,
    ArchitectureSpec,
    with_components,
)

PROPOSED = "proposed"

_BN_GAP = ("batch-norm", "gap-head")

_vgg16 = with_components((), name="vgg16")
_cbam = with_components(("cbam",), name="vgg16+cbam")
_residual = with_components(("cbam", "residual", *_BN_GAP), name="vgg16+cbam+residual")
_separable = with_components(
    ("cbam", "residual", "separable", *_BN_GAP), name="vgg16+cbam+residual+separable"
)
_proposed = with_components(COMPONENTS, name=PROPOSED)
_vgg16_bn_gap = with_components(_BN_GAP, name="vgg16-bn-gap")
_cbam_bn_gap = with_components(("cbam", *_BN_GAP), name="vgg16-bn-gap+cbam")

LADDER = (_vgg16, _cbam, _residual, _separable, _proposed)
CONTROLLED_LADDER = (_vgg16_bn_gap, _cbam_bn_gap, _residual, _separable, _proposed)
EXTRA_BLOCK_NETWORKS: tuple[ArchitectureSpec, ...] = ()
"""Further block networks. To add one, add a spec here, built with `with_components` or `replace`."""

CATALOGUE: dict[str, ArchitectureSpec] = {
    spec.name: spec
    for spec in (
        *LADDER,
        *CONTROLLED_LADDER,
        *(baseline.spec for baseline in BASELINES),
        *EXTRA_BLOCK_NETWORKS,
    )
}

COMPARISON_NETWORKS = tuple(
    CATALOGUE[name]
    for name in (
        "vgg16",
        "alexnet",
        "resnet34",
        "efficientnet-b0",
        "shufflenetv2",
        "mobilenetv3-large",
        PROPOSED,
    )
)
"""The paper's seven networks, in the order of its tables."""


def get_architecture(name: str) -> ArchitectureSpec:
    """Return the catalogue entry called `name`.

    Raises:
        ArchitectureError: there is no such entry; the message lists all names.
    """
    if name not in CATALOGUE:
        raise ArchitectureError(
            "architecture.unknown", f"unknown architecture {name!r}; accepted: {', '.join(CATALOGUE)}"
        )
    return CATALOGUE[name]


def with_width(spec: ArchitectureSpec, width: float) -> ArchitectureSpec:
    """Return `spec` at `width`, or unchanged if the network exists only at full width."""
    is_scalable = spec.network == BLOCK_NETWORK or get_baseline(spec.network).build is not None
    return replace(spec, width=width) if is_scalable else spec


def min_image_size(spec: ArchitectureSpec) -> int:
    """Return the smallest image side in pixels at which the last feature map is not empty or all padding.

    Each stage of a block network halves its input. For a user network the function returns 1:
    `architectures.user.check_output_shape` finds out whether it accepts the images.
    """
    if spec.network == BLOCK_NETWORK:
        return int(2 ** len(spec.stages))
    return 1 if spec.network == USER_NETWORK else get_baseline(spec.network).min_image_size
