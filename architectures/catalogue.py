"""Every named architecture, in one table: an entry here is built, listed, costed, tested and reported.

The ladder is the paper's ablation. The paper never says where batch norm and the GAP head enter; by our
reading they come with the residual path. The controlled ladder has both in all five rungs, so that each
rung changes one thing.
"""

from __future__ import annotations

from dataclasses import replace

from architectures.parts import COMPONENTS, with_components
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
    """The catalogue's entry of that name.

    Raises:
        ValueError: no such entry; the message lists them.
    """
    if name not in CATALOGUE:
        raise ValueError(f"unknown architecture {name!r}; accepted: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def with_width(spec: ArchitectureSpec, width: float) -> ArchitectureSpec:
    """`spec` at `width`, or unchanged where the network exists at full width alone."""
    return replace(spec, width=width) if spec.network in SCALABLE_NETWORKS else spec


def min_image_size(spec: ArchitectureSpec) -> int:
    """Side in pixels below which the last feature map is empty, or nothing but padding.

    Each stage of a block network halves its input; torchvision's classifiers halve theirs five times;
    AlexNet's third 3x3 pool needs 65 px. What a user's own network needs is seen when it is tried.
    """
    if spec.network == BLOCK_NETWORK:
        return int(2 ** len(spec.stages))
    if spec.network == USER_NETWORK:
        return 1
    return 65 if spec.network == "alexnet_d2l" else 32
