"""The specification of a network: a block with four options, and the network that repeats it.

Six components turn VGG16 into the proposed network; each can be on or off. Four belong to the block, and the
paper's ablation names them. The proposed network also has batch norm and the GAP head, which the ablation
does not name.

The options are strings, not booleans: a string reads well in a table, and a second kind of attention needs no
second flag. Use `dataclasses.replace` to make a variant of a spec.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from architectures.errors import ArchitectureError

Convolution = Literal["standard", "separable"]
Attention = Literal["none", "cbam"]
Activation = Literal["relu", "prelu"]
Norm = Literal["none", "batch"]
Head = Literal["vgg", "gap"]

CONVOLUTIONS: tuple[str, ...] = get_args(Convolution)
ATTENTIONS: tuple[str, ...] = get_args(Attention)
ACTIVATIONS: tuple[str, ...] = get_args(Activation)
NORMS: tuple[str, ...] = get_args(Norm)
HEADS: tuple[str, ...] = get_args(Head)
BLOCK_NETWORK = "blocks"
USER_NETWORK = "user"

VGG16_STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def _require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ArchitectureError(
            "architecture-option.unknown", f"{name} must be one of {', '.join(choices)}; got {value!r}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSpec:
    """One residual block of the paper (figure 4), with an option for each component.

    Raises:
        ArchitectureError: an option has a value that is not accepted.
    """

    convolution: Convolution = "standard"
    attention: Attention = "none"
    activation: Activation = "relu"
    residual: bool = False

    def __post_init__(self) -> None:
        _require_choice("convolution", self.convolution, CONVOLUTIONS)
        _require_choice("attention", self.attention, ATTENTIONS)
        _require_choice("activation", self.activation, ACTIVATIONS)
        if not isinstance(self.residual, bool):
            raise ArchitectureError(
                "residual.not-boolean", f"residual must be true or false; got {self.residual!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureSpec:
    """A network by its components.

    Attributes:
        name: The name shown to people. It is not part of a run's key.
        network: "blocks", "user" (`architectures.user`), or a network that `architectures.baselines` builds.
        stages: (number of blocks, channels) of each stage. A 2x2 max-pool ends each stage.
        block: The options of all blocks.
        norm: The norm of the whole network.
        head: "vgg", VGG16's three linear layers, or "gap", global average pooling and two linear layers.
        width: The factor that scales every channel count and hidden size.
        pretrained: Whether training starts from torchvision's ImageNet weights.
        source: `FILE.py:function` of a user network. It is not part of a run's key.
        digest: The digest of a user network's code. It is part of a run's key.

    `stages`, `block`, `norm` and `head` apply to "blocks" only: every other network fixes its own, and these
    fields keep their defaults.

    Raises:
        ArchitectureError: an option has a value that is not accepted, `width` is outside (0, 4], a stage has
            no blocks or no channels, or a component is set on a network that fixes it.
    """

    name: str
    network: str = BLOCK_NETWORK
    stages: tuple[tuple[int, int], ...] = VGG16_STAGES
    block: BlockSpec = field(default_factory=BlockSpec)
    norm: Norm = "none"
    head: Head = "vgg"
    width: float = 1.0
    pretrained: bool = False
    source: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        _require_choice("norm", self.norm, NORMS)
        _require_choice("head", self.head, HEADS)
        if not 0 < self.width <= 4:
            raise ArchitectureError("width.range", f"width must be above 0 and at most 4; got {self.width}")
        if not self.stages or any(num_blocks < 1 or channels < 1 for num_blocks, channels in self.stages):
            raise ArchitectureError(
                "stages.empty", f"every stage needs at least one block and one channel; got {self.stages}"
            )
        fields = (self.stages, self.block, self.norm, self.head)
        if self.network != BLOCK_NETWORK and fields != (VGG16_STAGES, BlockSpec(), "none", "vgg"):
            raise ArchitectureError(
                "network.fixed-components",
                f"{self.network} fixes its own stages, block, norm and head; leave them out",
            )

    def scale_channels(self, channels: int) -> int:
        """Return the full-width count `channels` scaled by `width`, at least 1."""
        return max(1, round(channels * self.width))


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
        ArchitectureError: a component is unknown; the message lists the accepted names.
    """
    unknown = [component for component in components if component not in COMPONENTS]
    if unknown:
        raise ArchitectureError(
            "component.unknown", f"unknown component {unknown[0]!r}; accepted: {', '.join(COMPONENTS)}"
        )
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
