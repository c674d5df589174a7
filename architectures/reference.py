"""The comparison networks that are not made of blocks, behind the same build.

AlexNet is the single-tower form of the d2l.ai book, the only one that has the paper's 178.42 MiB. Every
other name is torchvision's (`torchvision.models.list_models()`), built without weights.
"""

from __future__ import annotations

from torch import nn

from architectures.spec import ArchitectureSpec


def _build_alexnet_d2l(spec: ArchitectureSpec, *, num_classes: int) -> nn.Sequential:
    """Krizhevsky et al. 2012 as in d2l.ai, section 8.1; the adaptive pool changes nothing at 224 px."""
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
    """A comparison network: images (N, 3, H, W) to logits (N, classes).

    Raises:
        ValueError: no network of that name, or a width that it does not have.
    """
    if spec.network == "alexnet_d2l":
        return _build_alexnet_d2l(spec, num_classes=num_classes)
    import torchvision.models  # which imports torch's compiler: a second that block networks do without

    if spec.network not in torchvision.models.list_models(module=torchvision.models):
        raise ValueError(
            f"unknown network {spec.network!r}; accepted: blocks, alexnet_d2l, or a classifier of "
            "torchvision.models.list_models()"
        )
    if spec.width != 1:
        raise ValueError(f"{spec.network} exists at width 1 alone; got {spec.width}")
    network: nn.Module = torchvision.models.get_model(spec.network, weights=None, num_classes=num_classes)
    return network
