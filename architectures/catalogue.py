"""The table of all named architectures. The commands, the tests and the reports take their networks from it.

`LADDER` is the paper's ablation. The paper does not say at which step batch norm and the GAP head are added;
we read it as with the residual connections. `CONTROLLED_LADDER` has both in all five rungs, so that each rung
changes one component.
"""

from __future__ import annotations

from dataclasses import replace

from architectures.components import COMPONENTS, with_components
from architectures.spec import BLOCK_NETWORK, USER_NETWORK, ArchitectureSpec

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
COMPARISON_NETWORKS = (
    _vgg16,
    ArchitectureSpec(name="alexnet", network="alexnet_d2l"),
    ArchitectureSpec(name="resnet34", network="resnet34"),
    ArchitectureSpec(name="efficientnet-b0", network="efficientnet_b0"),
    ArchitectureSpec(name="shufflenetv2", network="shufflenet_v2_x1_0"),
    ArchitectureSpec(name="mobilenetv3-large", network="mobilenet_v3_large"),
    _proposed,
)

CATALOGUE: dict[str, ArchitectureSpec] = {
    spec.name: spec for spec in (*LADDER, _vgg16_bn_gap, _cbam_bn_gap, *COMPARISON_NETWORKS)
}

SCALABLE_NETWORKS = (BLOCK_NETWORK, "alexnet_d2l")


def get_architecture(name: str) -> ArchitectureSpec:
    """Return the catalogue entry called `name`.

    Raises:
        ValueError: there is no such entry; the message lists all names.
    """
    if name not in CATALOGUE:
        raise ValueError(f"unknown architecture {name!r}; accepted: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def with_width(spec: ArchitectureSpec, width: float) -> ArchitectureSpec:
    """Return `spec` at `width`, or unchanged if the network exists only at full width."""
    return replace(spec, width=width) if spec.network in SCALABLE_NETWORKS else spec


def min_image_size(spec: ArchitectureSpec) -> int:
    """Return the smallest image side in pixels at which the last feature map is not empty or all padding.

    Each stage of a block network halves its input; torchvision's classifiers halve theirs five times;
    AlexNet's third 3x3 pool needs 65 px. For a user network the function returns 1:
    `architectures.user.check_output_shape` finds out whether it accepts the images.
    """
    if spec.network == BLOCK_NETWORK:
        return int(2 ** len(spec.stages))
    if spec.network == USER_NETWORK:
        return 1
    return 65 if spec.network == "alexnet_d2l" else 32
