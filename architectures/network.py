"""From an architecture spec to a network: the one way in, for the block networks and the others alike."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from architectures.block import block
from architectures.reference import reference
from architectures.spec import BLOCKS, USER, ArchitectureSpec
from architectures.user import user_network
from architectures.weights import load_pretrained


class BlockNetwork(nn.Module):
    """Stages of blocks, each closed by a 2x2 max-pool, and a classifier (VGG: arXiv:1409.1556)."""

    def __init__(self, spec: ArchitectureSpec, *, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for blocks, channels in spec.stages:
            outputs = spec.channels(channels)
            for _ in range(blocks):
                layers.append(block(spec, inputs, outputs))
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = HEADS[spec.head](spec, inputs, classes=classes)
        if not next(self.parameters()).is_meta:
            self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W), H and W at least 2 ** stages, to logits (N, classes)."""
        out: Tensor = self.classifier(self.features(x))
        return out


def first_and_last(network: nn.Module) -> tuple[nn.Module, nn.Module] | None:
    """The first and the last block of a block network; None for any other."""
    if not isinstance(network, BlockNetwork):
        return None
    blocks = [layer for layer in network.features if not isinstance(layer, nn.MaxPool2d)]
    return blocks[0], blocks[-1]


def _vgg_head(spec: ArchitectureSpec, inputs: int, *, classes: int) -> nn.Sequential:
    hidden = spec.channels(4096)
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(7),
        nn.Flatten(),
        nn.Linear(inputs * 49, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, classes),
    )


def _gap_head(spec: ArchitectureSpec, inputs: int, *, classes: int) -> nn.Sequential:
    hidden = spec.channels(512)
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(inputs, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, classes),
    )


HEADS = {"vgg": _vgg_head, "gap": _gap_head}


def _initialise(module: nn.Module) -> None:
    """VGG's scheme in torchvision; PReLU keeps PyTorch's 0.25 and batch norm its 1 and 0."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


MAKERS: dict[str, Callable[..., nn.Module]] = {BLOCKS: BlockNetwork, USER: user_network}


def build(spec: ArchitectureSpec, *, classes: int) -> nn.Module:
    """A freshly initialised network: images (N, 3, H, W) to logits (N, classes).

    Initialisation draws from torch's global generator. With `spec.pretrained`, everything but the last
    layer starts from torchvision's ImageNet weights.

    Raises:
        ValueError: fewer than 2 classes, a network that does not exist or has no such weights.
        FileNotFoundError: the pretrained weights are not on this machine.
    """
    if classes < 2:
        raise ValueError(f"a classifier needs at least 2 classes; got {classes}")
    network = MAKERS.get(spec.network, reference)(spec, classes=classes)
    if spec.pretrained:
        load_pretrained(network, spec)
    return network
