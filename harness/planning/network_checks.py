"""Build the networks of a study that can fail to be built, before any cell runs."""

from __future__ import annotations

from collections.abc import Sequence

from architectures.spec import USER_NETWORK, ArchitectureSpec
from datasets.catalogue import get_entry
from harness.data.loading import DataRequest


def count_requested_classes(request: DataRequest) -> int | None:
    """Return the number of classes of the requested data if it is known without the data, else None."""
    entry = get_entry(request.dataset)
    scheme = entry.class_schemes.get(request.classes[0]) if len(request.classes) == 1 else None
    names = set(scheme or request.classes or entry.default_classes)
    return len(names) if len(names) > 1 else None


def check_pretrained_networks(arms: Sequence[ArchitectureSpec]) -> None:
    """Check that the pretrained networks can be built.

    Raises:
        ArchitectureError: A network has no pretrained weights, or they are not on this machine.
    """
    for arm in arms:
        if arm.pretrained:
            from architectures.network import build_network

            build_network(arm, num_classes=2)


def check_user_networks(arms: Sequence[ArchitectureSpec], *, num_classes: int, image_size: int) -> None:
    """Check that the user networks among `arms` classify images of `image_size` pixels into `num_classes`.

    Raises:
        ValueError: The user's function or its network fails, or its output has the wrong shape.
    """
    for arm in arms:
        if arm.network == USER_NETWORK:
            from architectures.network import build_network
            from architectures.user import check_output_shape

            network = build_network(arm, num_classes=num_classes)
            check_output_shape(network, arm, num_classes=num_classes, image_size=image_size)
