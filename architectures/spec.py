"""An architecture as a value: a block with four toggles, and the network that repeats it.

Words stand where booleans could: they read well in a table, and a second attention joins without a second
flag. A variant of a spec is one `dataclasses.replace`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

CONVOLUTIONS = ("standard", "separable")
ATTENTIONS = ("none", "cbam")
ACTIVATIONS = ("relu", "prelu")
NORMS = ("none", "batch")
HEADS = ("vgg", "gap")
BLOCK_NETWORK = "blocks"
USER_NETWORK = "user"

VGG16_STAGES = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def _require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSpec:
    """One residual block of the paper (figure 4), each part of which can be switched.

    Raises:
        ValueError: a word that is not accepted.
    """

    convolution: Literal["standard", "separable"] = "standard"
    attention: Literal["none", "cbam"] = "none"
    activation: Literal["relu", "prelu"] = "relu"
    residual: bool = False

    def __post_init__(self) -> None:
        _require_choice("convolution", self.convolution, CONVOLUTIONS)
        _require_choice("attention", self.attention, ATTENTIONS)
        _require_choice("activation", self.activation, ACTIVATIONS)
        if not isinstance(self.residual, bool):
            raise ValueError(f"residual must be true or false; got {self.residual!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureSpec:
    """A network by its parts: `network` is "blocks", or what `architectures.reference` builds.

    For "blocks", `stages` lists (blocks, channels), each stage closed by a 2x2 max-pool; `norm` holds for
    the whole network; `head` is VGG16's three linear layers or global average pooling and two. A
    comparison network fixes these itself, so they keep their defaults. `width` scales every channel and
    hidden count. `name` is for people: it is no part of a run's identity; nor is `source`, where a network
    of the user's own lies, whose file's `digest` is (`architectures.user`).

    Raises:
        ValueError: a word that is not accepted, a width out of (0, 4], a stage without blocks or channels,
            a part set on a network that fixes it.
    """

    name: str
    network: str = BLOCK_NETWORK
    stages: tuple[tuple[int, int], ...] = VGG16_STAGES
    block: BlockSpec = field(default_factory=BlockSpec)
    norm: Literal["none", "batch"] = "none"
    head: Literal["vgg", "gap"] = "vgg"
    width: float = 1.0
    pretrained: bool = False
    source: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        _require_choice("norm", self.norm, NORMS)
        _require_choice("head", self.head, HEADS)
        if not 0 < self.width <= 4:
            raise ValueError(f"width must be above 0 and at most 4; got {self.width}")
        if not self.stages or any(num_blocks < 1 or channels < 1 for num_blocks, channels in self.stages):
            raise ValueError(f"every stage needs at least one block and one channel; got {self.stages}")
        fields = (self.stages, self.block, self.norm, self.head)
        if self.network != BLOCK_NETWORK and fields != (VGG16_STAGES, BlockSpec(), "none", "vgg"):
            raise ValueError(f"{self.network} fixes its own stages, block, norm and head; leave them out")

    def scale_channels(self, channels: int) -> int:
        """A full-width channel count at this width, at least 1."""
        return max(1, round(channels * self.width))
