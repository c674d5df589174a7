"""A fixture of the training tests: a small network of three classes."""

import pytest
import torch
from torch import nn

from architectures.catalogue import CATALOGUE, with_width
from architectures.network import build_network


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Return a network that tests copy and do not train."""
    torch.manual_seed(0)
    net = build_network(with_width(CATALOGUE["proposed"], 1 / 16), num_classes=3).to(
        memory_format=torch.channels_last
    )
    net.set_submodule("classifier.4", nn.Identity())
    return net
