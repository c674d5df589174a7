"""Tests that need a GPU; skipped without one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from harness.training.batches import SplitData, prefetch
from harness.training.train import fit, init_state
from studies.spec import TrainingSpec
from tests.harness.training.test_engine import CUDA, SHORT, network, part

__all__ = ["network"]

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def on_the_gpu(part: SplitData) -> SplitData:
    return SplitData(images=part.images.to(CUDA), labels=part.labels.to(CUDA))


def answers_after(network: nn.Module, training: TrainingSpec, *, resident: bool = True) -> torch.Tensor:
    """Return the network's outputs after two epochs on the GPU; the network stays on the GPU."""
    torch.manual_seed(0)
    train = on_the_gpu(part(26))
    train = train if resident else replace(train, images=train.images.cpu())
    network = network.to(CUDA)
    list(
        fit(
            init_state(network, training, seed=0),
            train,
            validation=on_the_gpu(part(6)),
            num_classes=3,
            training=training,
        )
    )
    with torch.no_grad():
        return network.eval()(part(12).images.to(CUDA).float() / 255).cpu()


@pytest.mark.parametrize(
    "training",
    [replace(SHORT, engine="compiled"), replace(SHORT, precision="bfloat16")],
    ids=["compiled, replayed as CUDA graphs", "bfloat16"],
)
def test_a_gpu_trains_alike_every_way(network: nn.Module, training: TrainingSpec) -> None:
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    eager = answers_after(network, SHORT)
    network.load_state_dict(weights)
    assert torch.allclose(answers_after(network, training), eager, atol=0.03)


def test_images_that_lie_elsewhere_come_as_those_that_lie_on_the_gpu(network: nn.Module) -> None:
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    resident = answers_after(network, SHORT)
    network.load_state_dict(weights)
    assert torch.allclose(answers_after(network, SHORT, resident=False), resident, atol=1e-3)


def test_batches_are_sent_ahead_in_their_order() -> None:
    images, rows = torch.arange(40, dtype=torch.uint8).reshape(10, 1, 2, 2), torch.randperm(10).split(3)
    part = SplitData(images=images, labels=torch.arange(10, device=CUDA))
    for batch, (sent, labels) in zip(rows, prefetch(part, rows), strict=True):
        assert torch.equal(sent.cpu(), images[batch])
        assert torch.equal(labels.cpu(), batch)
