"""Tests that need a GPU; skipped without one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from datasets.augment import make_normalize
from harness.training.batches import SplitData, iter_epoch, prefetch_images
from harness.training.loss import focal_loss
from harness.training.train import fit, init_state, run_steps
from studies.spec import TrainingSpec
from tests.harness.training.tiny_data import CUDA, SHORT, make_three_class_data

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def move_to_gpu(part: SplitData) -> SplitData:
    return SplitData(images=part.images.to(CUDA), labels=part.labels.to(CUDA))


def train_on_gpu(network: nn.Module, training: TrainingSpec, *, resident: bool = True) -> torch.Tensor:
    """Return the network's outputs after two epochs on the GPU; the network stays on the GPU."""
    torch.manual_seed(0)
    train = move_to_gpu(make_three_class_data(26))
    train = train if resident else replace(train, images=train.images.cpu())
    network = network.to(CUDA)
    list(
        fit(
            init_state(network, training, seed=0),
            train,
            validation=move_to_gpu(make_three_class_data(6)),
            num_classes=3,
            training=training,
        )
    )
    with torch.no_grad():
        outputs: torch.Tensor = network.eval()(make_three_class_data(12).images.to(CUDA).float() / 255)
        return outputs.cpu()


@pytest.mark.parametrize(
    "training",
    [replace(SHORT, engine="compiled"), replace(SHORT, precision="bfloat16")],
    ids=["compiled, replayed as CUDA graphs", "bfloat16"],
)
def test_gpu_engines_train_to_close_outputs(network: nn.Module, training: TrainingSpec) -> None:
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    eager = train_on_gpu(network, SHORT)
    network.load_state_dict(weights)
    assert torch.allclose(train_on_gpu(network, training), eager, atol=0.03)


def test_host_images_train_like_gpu_images(network: nn.Module) -> None:
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    resident = train_on_gpu(network, SHORT)
    network.load_state_dict(weights)
    assert torch.allclose(train_on_gpu(network, SHORT, resident=False), resident, atol=1e-3)


def test_batches_are_prefetched_in_order() -> None:
    images, rows = torch.arange(40, dtype=torch.uint8).reshape(10, 1, 2, 2), torch.randperm(10).split(3)
    data = SplitData(images=images, labels=torch.arange(10, device=CUDA))
    for batch, copy in zip(rows, prefetch_images(data, rows), strict=True):
        assert torch.equal(copy.cpu(), images[batch])


@pytest.mark.parametrize("resident", [True, False])
def test_no_training_step_waits_for_the_gpu(network: nn.Module, *, resident: bool) -> None:
    data = move_to_gpu(make_three_class_data(26))
    data = data if resident else replace(data, images=data.images.cpu())
    state = init_state(network.to(CUDA), SHORT, seed=0)
    loss_fn = partial(focal_loss, alpha=torch.ones(3, device=CUDA), gamma=SHORT.gamma)
    steps: dict[str, Any] = {
        "forward": network,
        "loss_fn": loss_fn,
        "normalize": make_normalize(CUDA),
        "training": SHORT,
    }
    run_steps(state, iter_epoch(data, 8, generator=state.generator), **steps)  # makes the optimizer's state
    batches = iter_epoch(data, 8, generator=state.generator)
    # The first batch makes the epoch's copies: they may wait.
    run_steps(state, [next(batches)], **steps)
    torch.cuda.set_sync_debug_mode("error")
    try:
        run_steps(state, batches, **steps)
    finally:
        torch.cuda.set_sync_debug_mode("default")
