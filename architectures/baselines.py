"""The comparison networks that are not block networks.

AlexNet is the single-tower version of the d2l.ai book, the only version that has the paper's 178.42 MiB.
Every other network is torchvision's (`torchvision.models.list_models()`), built without pretrained weights.
"""

from __future__ import annotations

from torch import nn

from architectures.spec import ArchitectureSpec


def _build_alexnet_d2l(spec: ArchitectureSpec, *, num_classes: int) -> nn.Sequential:
    """Build AlexNet (Krizhevsky et al. 2012) as in d2l.ai, section 8.1.

    The adaptive pool, which d2l.ai does not have, changes nothing at 224 px.
    """
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


def build_baseline(spec: ArchitectureSpec, *, num_classes: int) -> nn.Module:
    """Build a comparison network that maps images (N, 3, H, W) to logits (N, num_classes).

    Raises:
        ValueError: no network has that name, or the network does not exist at that width.
    """
    if spec.network == "alexnet_d2l":
        return _build_alexnet_d2l(spec, num_classes=num_classes)
    # Imported here because it loads torch's compiler (1 s), which block networks do not need.
    import torchvision.models

    if spec.network not in torchvision.models.list_models(module=torchvision.models):
        raise ValueError(
            f"unknown network {spec.network!r}; accepted: blocks, alexnet_d2l, or a classifier of "
            "torchvision.models.list_models()"
        )
    if spec.width != 1:
        raise ValueError(f"{spec.network} exists only at width 1; got {spec.width}")
    network: nn.Module = torchvision.models.get_model(spec.network, weights=None, num_classes=num_classes)
    return network
