from dataclasses import replace

import pytest
import torch
import torchvision
from torch import nn

from architectures.network import build_network
from architectures.spec import ArchitectureSpec
from tests.error_codes import raises_code

ALEXNET = ArchitectureSpec(name="alexnet", network="alexnet_d2l")


@torch.inference_mode()
def test_alexnet_pool_does_not_change_224_px() -> None:
    network = build_network(replace(ALEXNET, width=0.0625), num_classes=6).eval()
    assert isinstance(network, nn.Sequential)
    pool = next(i for i, module in enumerate(network) if isinstance(module, nn.AdaptiveAvgPool2d))
    features = network[:pool](torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)))
    assert features.shape == (1, 16, 5, 5)
    assert torch.equal(network[pool](features), features)


def test_alexnet_convolutions_match_the_book() -> None:
    with torch.device("meta"):
        network = build_network(ALEXNET, num_classes=6)
    shapes = [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.padding[0])
        for m in network.children()
        if isinstance(m, nn.Conv2d)
    ]
    assert shapes == [
        (3, 96, 11, 4, 1),
        (96, 256, 5, 1, 2),
        (256, 384, 3, 1, 1),
        (384, 384, 3, 1, 1),
        (384, 256, 3, 1, 1),
    ]


def test_any_classifier_of_torchvision_builds_by_its_name() -> None:
    with torch.device("meta"):
        network = build_network(ArchitectureSpec(name="x", network="squeezenet1_1"), num_classes=5)
    assert isinstance(network, torchvision.models.SqueezeNet)


@pytest.mark.parametrize("network", ["resnet33", "fcn_resnet50", ""])
def test_network_that_is_no_classifier_of_torchvision_is_refused(network: str) -> None:
    with raises_code("network.unknown", repr(network), "blocks, alexnet_d2l"):
        build_network(ArchitectureSpec(name="x", network=network), num_classes=6)


def test_torchvisions_networks_have_one_width() -> None:
    with raises_code("network.width", "resnet34", 0.5):
        build_network(ArchitectureSpec(name="x", network="resnet34", width=0.5), num_classes=6)
