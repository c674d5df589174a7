"""The training loop: Adam, focal loss, early stopping on validation, weights of the best epoch."""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from architectures.network import get_first_and_last_block
from datasets.augment import augment, augment_flow, make_normalize, scale_to_params
from harness.training.batches import Batch, SplitData, iter_epoch
from harness.training.engine import get_memory_format, make_forward
from harness.training.evaluation import compute_logits
from harness.training.loss import compute_class_weights, focal_loss
from studies.results import Epoch
from studies.spec import TrainingSpec


class DivergenceError(RuntimeError):
    """The training or validation loss became NaN or infinite."""


def find_best_epoch(history: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the highest validation accuracy; ties go to the lower loss, then to the first."""
    return max(history, key=lambda epoch: (epoch.validation_accuracy, -epoch.validation_loss))


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """The state of training after an epoch: all that the next epoch depends on besides its data.

    Training changes it in place. `best_weights` are those of the best epoch so far. If `micro_batches` is
    above 1, each batch is split into that many micro-batches whose gradients are summed. This takes less
    memory, but batch norm computes its statistics per micro-batch. `epoch_classes` is the record of the
    epochs (`harness.training.epoch_record`): the predicted class of each test unit after each epoch, or None
    if the run keeps no record. Training does not read it.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    best_weights: dict[str, Tensor]
    history: list[Epoch] = field(default_factory=list)
    micro_batches: int = 1
    epoch_classes: list[tuple[int, ...]] | None = None


def no_checkpoint(state: TrainingState) -> None:
    """Save nothing: the default of `fit(save=...)`."""


def no_record(state: TrainingState, forward: Callable[[Tensor], Tensor]) -> None:
    """Record nothing: the default of `fit(record=...)`."""


def init_state(
    network: nn.Module, training: TrainingSpec, *, seed: int, micro_batches: int = 1
) -> TrainingState:
    """Return the state of training `network` before the first epoch."""
    device = next(network.parameters()).device
    return TrainingState(
        network=network,
        optimizer=torch.optim.Adam(
            network.parameters(), lr=training.learning_rate, fused=device.type in ("cpu", "cuda")
        ),
        generator=torch.Generator().manual_seed(seed),
        best_weights=clone_state_dict(network),
        micro_batches=micro_batches,
    )


def clone_state_dict(network: nn.Module) -> dict[str, Any]:
    """Return a copy of the network's state dict; ten times as fast as `deepcopy`."""
    # Not a plain dict: it carries the versions of the modules, which some modules need in load_state_dict.
    state_dict = network.state_dict()
    for name, value in state_dict.items():
        state_dict[name] = value.clone() if isinstance(value, Tensor) else copy.deepcopy(value)
    return state_dict


def should_stop(history: Sequence[Epoch], training: TrainingSpec) -> bool:
    """Return True after `training.epochs` epochs, or after `training.patience` epochs without improvement."""
    return bool(history) and (
        len(history) >= training.epochs
        or history[-1].number - find_best_epoch(history).number >= training.patience
    )


def fit(
    state: TrainingState,
    train: SplitData,
    *,
    validation: SplitData,
    num_classes: int,
    training: TrainingSpec,
    save: Callable[[TrainingState], None] = no_checkpoint,
    record: Callable[[TrainingState, Callable[[Tensor], Tensor]], None] = no_record,
) -> Iterator[Epoch]:
    """Train from `state` and yield each epoch; at the end, load the best epoch's weights into the network.

    After each epoch, before it is yielded, `record` is called with the state and the forward function, then
    `save` with the state.

    Raises:
        DivergenceError: the training or validation loss became NaN or infinite.
    """
    network = state.network
    loss_fn = partial(focal_loss, alpha=_compute_alpha(train, num_classes, training), gamma=training.gamma)
    forward = make_forward(network, training)
    normalize = make_normalize(train.device, dtype=train.images.dtype)
    while not should_stop(state.history, training):
        start, number = time.perf_counter(), len(state.history) + 1
        batches = iter_epoch(train, training.batch_size, generator=state.generator)
        sums = run_steps(
            state, batches, forward=forward, loss_fn=loss_fn, normalize=normalize, training=training
        )
        logits = compute_logits(network, validation.images, forward=forward)
        losses = loss_fn(logits, validation.labels)
        accuracy = (logits.argmax(1) == validation.labels).float().mean()
        # One read an epoch, as each waits until the device has run all queued kernels.
        loss_sum, correct_sum, first_norm, last_norm, validation_loss, validation_accuracy = torch.cat(
            (sums, torch.stack((losses.mean(), accuracy)))
        ).tolist()
        _require_finite(loss_sum, "training", number)
        epoch = Epoch(
            number=number,
            train_loss=loss_sum / len(train),
            train_accuracy=correct_sum / len(train),
            validation_loss=_require_finite(validation_loss, "validation", number),
            validation_accuracy=validation_accuracy,
            seconds=time.perf_counter() - start,
            gradient_ratio=_compute_ratio(first_norm, last_norm),
        )
        state.history.append(epoch)
        if find_best_epoch(state.history) is epoch:
            state.best_weights = clone_state_dict(network)
        record(state, forward)
        save(state)
        yield epoch
    network.load_state_dict(state.best_weights)


def run_steps(
    state: TrainingState,
    batches: Iterable[Batch],
    *,
    forward: Callable[[Tensor], Tensor],
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    normalize: Callable[[Tensor], Tensor],
    training: TrainingSpec,
) -> Tensor:
    """Run a training step for each batch and return four sums, on the device of the network.

    The sums are the losses, the number of correct samples, and the gradient norms of the first and the last
    block (0 for a network that is not made of blocks). No step waits for the device: none reads a value from
    it or copies one to it.
    """
    network, optimizer = state.network, state.optimizer
    device = next(network.parameters()).device
    end_blocks = get_first_and_last_block(network)
    memory_format = get_memory_format(network)
    sums, norm_sums = torch.zeros(2, device=device), torch.zeros(2, device=device)
    network.train()
    for batch in batches:
        change = augment_flow if batch.images.is_floating_point() else augment
        images = change(batch.images, scale_to_params(batch.uniform, training.augmentation))
        images = normalize(images).contiguous(memory_format=memory_format)
        optimizer.zero_grad(set_to_none=True)
        for micro_batch, targets in zip(
            _split_micro_batches(images, state.micro_batches),
            _split_micro_batches(batch.labels, state.micro_batches),
            strict=True,
        ):
            logits = forward(micro_batch)
            losses = loss_fn(logits, targets)
            (losses.sum() / len(images)).backward()
            correct = logits.detach().argmax(1) == targets
            sums += torch.stack((losses.detach().sum(), correct.sum()))
        if end_blocks:
            norm_sums += torch.stack([compute_gradient_norm(block) for block in end_blocks])
        optimizer.step()
    return torch.cat((sums, norm_sums))


def _compute_alpha(train: SplitData, num_classes: int, training: TrainingSpec) -> Tensor:
    """Return the weight of each class in the loss, (classes,), on the device of the samples."""
    if training.class_weights == "inverse":
        return compute_class_weights(train.labels.cpu(), num_classes).to(train.device)
    return torch.ones(num_classes, device=train.device)


def _split_micro_batches(values: Tensor, micro_batches: int) -> tuple[Tensor, ...]:
    """Split `values` into at most `micro_batches` near-equal parts of two or more: batch norm rejects one."""
    return values.tensor_split(max(1, min(micro_batches, len(values) // 2)))


def compute_gradient_norm(module: nn.Module) -> Tensor:
    """Return the Euclidean norm of the gradients of a module's parameters, a scalar on their device."""
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)


def _compute_ratio(first: float, last: float) -> float | None:
    """Return `first` / `last`: None if it is not finite, the smallest positive float if it would be 0."""
    if last <= 0 or not math.isfinite(first / last):
        return None
    return max(first / last, sys.float_info.min)


def _require_finite(loss: float, phase: str, epoch: int) -> float:
    if not math.isfinite(loss):
        raise DivergenceError(
            f"the {phase} loss became {loss} in epoch {epoch}: find a lower learning rate with `harness tune`"
        )
    return loss
