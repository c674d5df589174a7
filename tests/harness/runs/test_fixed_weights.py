"""Tests of networks that start from the same weights under every seed, from the run to the verdict."""

from pathlib import Path

import pytest

from architectures.catalogue import get_architecture
from architectures.user import load_user_spec
from harness.runs.run import has_fixed_weights

NETS = """
import torch
from torch import nn

def plain(classes):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes))

def seeded(classes):
    torch.manual_seed(7)
    return plain(classes)

def constant(classes):
    network = plain(classes)
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)
    return network
"""


@pytest.mark.parametrize(("name", "fixed"), [("plain", False), ("seeded", True), ("constant", True)])
def test_network_with_fixed_weights_is_detected(tmp_path: Path, name: str, fixed: bool) -> None:
    (tmp_path / "net.py").write_text(NETS)

    assert has_fixed_weights(load_user_spec(f"{tmp_path / 'net.py'}:{name}"), num_classes=3) is fixed


def test_catalogue_networks_have_random_weights() -> None:
    assert not has_fixed_weights(get_architecture("vgg16"), num_classes=3)
