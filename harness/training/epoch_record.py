"""The record of a training's epochs: the test set is predicted after each, and the training is unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from datasets.spec import Sample
from harness.training.evaluation import predict
from harness.training.train import TrainingState
from studies.metrics import to_evaluation_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecorder:
    """Predicts the test set of a run: `images` (N, 3, H, W) uint8 of `samples`, by unit of `protocol`."""

    images: Tensor
    samples: Sequence[Sample]
    protocol: str

    def record(self, state: TrainingState, forward: Callable[[Tensor], Tensor]) -> None:
        """Append the predicted class of each test unit to `state.epoch_classes`."""
        assert state.epoch_classes is not None
        with preserve_state(state.network):
            predictions = predict(state.network, self.images, samples=self.samples, forward=forward)
        units = to_evaluation_unit(predictions, self.protocol)
        state.epoch_classes.append(tuple(unit.predicted_class for unit in units))


@contextmanager
def preserve_state(network: nn.Module) -> Iterator[None]:
    """Restore torch's random generators, the buffers and the mode of `network` after the block.

    Evaluation changes none of them in this project's networks. A user's own network may draw random numbers
    in evaluation, or update its statistics.
    """
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    modes = [(module, module.training) for module in network.modules()]
    devices = {parameter.device for parameter in network.parameters() if parameter.is_cuda}
    with torch.random.fork_rng(devices=list(devices)):
        yield
    with torch.no_grad():
        for buffer, value in buffers:
            buffer.copy_(value)
    for module, mode in modes:
        module.training = mode
