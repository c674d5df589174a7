"""Tests of the optimizer step that is timed."""

import torch
from torch import nn

from harness.planning.step_timing import _make_adam_step


def _build_network() -> nn.Linear:
    torch.manual_seed(0)
    network = nn.Linear(3, 2)
    network(torch.ones(4, 3)).square().sum().backward()
    return network


def test_timed_step_equals_a_step_of_adam() -> None:
    timed, reference = _build_network(), _build_network()
    step, optimizer = _make_adam_step(timed), torch.optim.Adam(reference.parameters(), fused=True)
    for _ in range(3):
        step()
        optimizer.step()
    assert torch.equal(timed.weight, reference.weight)
    assert torch.equal(timed.bias, reference.bias)


def test_weights_without_a_gradient_stay() -> None:
    network = nn.Linear(3, 2)
    network.bias.requires_grad_(False)
    before = network.bias.clone()
    network(torch.ones(1, 3)).sum().backward()
    _make_adam_step(network)()
    assert torch.equal(network.bias, before)
