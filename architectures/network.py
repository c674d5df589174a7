"""Build the network of an architecture spec: a block network or any other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from architectures.baselines import build_baseline
from architectures.block import build_block
from architectures.errors import ArchitectureError
from architectures.spec import BLOCK_NETWORK, USER_NETWORK, ArchitectureSpec
from architectures.user import build_user_network
from architectures.weights import load_pretrained


class BlockNetwork(nn.Module):
    """Stages of blocks, each followed by a 2x2 max-pool, and a classifier (VGG: arXiv:1409.1556)."""

    def __init__(self, spec: ArchitectureSpec, *, num_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        in_channels = 3
        for num_blocks, channels in spec.stages:
            out_channels = spec.scale_channels(channels)
            for _ in range(num_blocks):
                layers.append(build_block(spec, in_channels, out_channels))
                in_channels = out_channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = HEAD_BUILDERS[spec.head](spec, in_channels, num_classes=num_classes)
        if not next(self.parameters()).is_meta:
            self.apply(_init_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes) of images (N, 3, H, W); H and W are at least 2 ** len(stages)."""
        out: Tensor = self.classifier(self.features(x))
        return out


def get_first_and_last_block(network: nn.Module) -> tuple[nn.Module, nn.Module] | None:
    """Return the first and the last block of a block network, or None for any other network."""
    if not isinstance(network, BlockNetwork):
        return None
    blocks = [layer for layer in network.features if not isinstance(layer, nn.MaxPool2d)]
    return blocks[0], blocks[-1]


def _build_vgg_head(spec: ArchitectureSpec, in_channels: int, *, num_classes: int) -> nn.Sequential:
    hidden = spec.scale_channels(4096)
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(7),
        nn.Flatten(),
        nn.Linear(in_channels * 49, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, num_classes),
    )


def _build_gap_head(spec: ArchitectureSpec, in_channels: int, *, num_classes: int) -> nn.Sequential:
    hidden = spec.scale_channels(512)
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(in_channels, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, num_classes),
    )


HEAD_BUILDERS = {"vgg": _build_vgg_head, "gap": _build_gap_head}


def _init_weights(module: nn.Module) -> None:
    """Initialize a layer as torchvision's VGG does.

    PReLU keeps PyTorch's slope 0.25; batch norm keeps weight 1 and bias 0.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    BLOCK_NETWORK: BlockNetwork,
    USER_NETWORK: build_user_network,
}


def build_network(spec: ArchitectureSpec, *, num_classes: int) -> nn.Module:
    """Build and initialize a network that maps images (N, 3, H, W) to logits (N, num_classes).

    Initialization uses torch's global random generator. With `spec.pretrained`, every layer except the last
    one gets torchvision's ImageNet weights.

    Raises:
        ArchitectureError: there are fewer than 2 classes, the network does not exist, or it has no pretrained
            weights on this machine.
    """
    if num_classes < 2:
        raise ArchitectureError(
            "class-count.too-small",
            f"a classifier needs at least 2 classes; got {num_classes}: name more classes",
        )
    network = BUILDERS.get(spec.network, build_baseline)(spec, num_classes=num_classes)
    if spec.pretrained:
        load_pretrained(network, spec)
    return network


def count_parameters(spec: ArchitectureSpec, *, num_classes: int = 6) -> int:
    """Return the number of parameters of `spec`, without allocating them.

    Raises:
        ArchitectureError: as `build_network`.
    """
    with torch.device("meta"):
        return sum(
            parameter.numel() for parameter in build_network(spec, num_classes=num_classes).parameters()
        )
