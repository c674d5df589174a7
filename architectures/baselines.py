"""The comparison networks that are not block networks. To add one, add an entry to `BASELINES`.

AlexNet is the single-tower version of the d2l.ai book, the only version that has the paper's 178.42 MiB.
Every other network is torchvision's (`torchvision.models.list_models()`), built without pretrained weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architectures.errors import ArchitectureError
from architectures.spec import ArchitectureSpec

if TYPE_CHECKING:
    from torch import nn


def _build_alexnet_d2l(spec: ArchitectureSpec, *, num_classes: int) -> nn.Sequential:
    """Build AlexNet (Krizhevsky et al. 2012) as in d2l.ai, section 8.1.

    The adaptive pool, which d2l.ai does not have, changes nothing at 224 px.
    """
    from torch import nn

    c96, c256, c384, hidden = (spec.scale_channels(count) for count in (96, 256, 384, 4096))
    return nn.Sequential(
        nn.Conv2d(3, c96, 11, stride=4, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(c96, c256, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(c256, c384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(c384, c384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(c384, c256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d(5),
        nn.Flatten(),
        nn.Linear(c256 * 25, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, num_classes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A comparison network.

    Attributes:
        spec: The entry in the catalogue of architectures.
        build: Builds the network from a spec, at any width. None stands for torchvision's network
            `spec.network`, which exists only at width 1.
        min_image_size: The smallest image side in pixels at which no feature map is empty.
        is_faster_channels_last: Whether the network runs faster on a CPU in channels-last than in NCHW format
            (see `harness bench`).
    """

    spec: ArchitectureSpec
    build: Callable[..., nn.Module] | None = None
    min_image_size: int = 32
    is_faster_channels_last: bool = True


BASELINES = (
    Baseline(
        spec=ArchitectureSpec(name="alexnet", network="alexnet_d2l"),
        build=_build_alexnet_d2l,
        min_image_size=65,
        is_faster_channels_last=False,
    ),
    Baseline(spec=ArchitectureSpec(name="resnet34", network="resnet34"), is_faster_channels_last=False),
    Baseline(spec=ArchitectureSpec(name="efficientnet-b0", network="efficientnet_b0")),
    Baseline(spec=ArchitectureSpec(name="shufflenetv2", network="shufflenet_v2_x1_0")),
    Baseline(spec=ArchitectureSpec(name="mobilenetv3-large", network="mobilenet_v3_large")),
)
"""The networks of the catalogue that are not block networks."""


def get_baseline(network: str) -> Baseline:
    """Return the entry of `network`; every other name stands for a network of torchvision."""
    entries = {baseline.spec.network: baseline for baseline in BASELINES}
    return entries.get(network) or Baseline(spec=ArchitectureSpec(name=network, network=network))


def build_baseline(spec: ArchitectureSpec, *, num_classes: int) -> nn.Module:
    """Build a comparison network that maps images (N, 3, H, W) to logits (N, num_classes).

    Raises:
        ArchitectureError: no network has that name, or the network does not exist at that width.
    """
    if build := get_baseline(spec.network).build:
        return build(spec, num_classes=num_classes)
    # Imported here because it loads torch's compiler (1 s), which block networks do not need.
    import torchvision.models

    if spec.network not in torchvision.models.list_models(module=torchvision.models):
        own_networks = (baseline.spec.network for baseline in BASELINES if baseline.build)
        raise ArchitectureError(
            "network.unknown",
            f"unknown network {spec.network!r}; accepted: blocks, {', '.join(own_networks)}, or a classifier "
            "of torchvision.models.list_models()",
        )
    if spec.width != 1:
        raise ArchitectureError(
            "network.width",
            f"{spec.network} exists only at width 1; got {spec.width}: omit --width, or leave this network "
            "out of the study",
        )
    network: nn.Module = torchvision.models.get_model(spec.network, weights=None, num_classes=num_classes)
    return network
