"""Training, as one visible loop: Adam, focal loss, early stopping on validation, the best epoch kept."""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from architectures.network import first_and_last
from datasets.augment import augment, normalise
from harness.training.engine import layout_of, stepping
from harness.training.evaluate import logits_of
from harness.training.feed import Part, fed
from harness.training.loss import class_weights, focal_loss
from studies.results import Epoch
from studies.spec import TrainingSpec


class Diverged(RuntimeError):
    """The loss stopped being a number."""


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """Highest validation accuracy; of equals the lower loss; of equals the first."""
    return max(history, key=lambda epoch: (epoch.validation_accuracy, -epoch.validation_loss))


@dataclass(slots=True, kw_only=True)
class Standing:
    """Where training stands after an epoch: all that the next one depends on beside its data, live.

    `best` holds the weights of the best epoch so far. With `pieces` above 1 each batch goes through in so
    many pieces whose gradients add up to its own, which takes less memory; batch norm then sees a piece at a
    time.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    best: dict[str, Tensor]
    history: list[Epoch] = field(default_factory=list)
    pieces: int = 1


def forget(standing: Standing) -> None:
    """Keep nothing."""


def begun(network: nn.Module, training: TrainingSpec, *, seed: int, pieces: int = 1) -> Standing:
    """Training of `network` that has not seen an epoch yet."""
    device = next(network.parameters()).device
    return Standing(
        network=network,
        optimizer=torch.optim.Adam(
            network.parameters(), lr=training.learning_rate, fused=device.type != "mps"
        ),
        generator=torch.Generator().manual_seed(seed),
        best=copied(network),
        pieces=pieces,
    )


def copied(network: nn.Module) -> dict[str, Any]:
    """The network's state as it is now: `deepcopy` of so many tensors takes ten times as long."""
    state = network.state_dict()  # with the versions of its modules, which some read when they take it back
    for name, part in state.items():
        state[name] = part.clone() if isinstance(part, Tensor) else copy.deepcopy(part)
    return state


def over(history: Sequence[Epoch], training: TrainingSpec) -> bool:
    """Whether no epoch is to follow: all have been, or the last `patience` were no better."""
    return bool(history) and (
        len(history) >= training.epochs
        or history[-1].number - best_epoch(history).number >= training.patience
    )


def fit(
    standing: Standing,
    train: Part,
    *,
    validation: Part,
    classes: int,
    training: TrainingSpec,
    keep: Callable[[Standing], None] = forget,
) -> Iterator[Epoch]:
    """Train on from `standing`, yielding each epoch as it ends; then the best epoch's weights are in it.

    `keep` is called after each epoch, before the epoch is yielded.

    Raises:
        Diverged: the training or validation loss became NaN or infinite.
    """
    network, optimizer, generator = standing.network, standing.optimizer, standing.generator
    device = train.device
    loss = partial(focal_loss, alpha=_alpha(train, classes, training), gamma=training.gamma)
    ends = first_and_last(network)
    step = stepping(network, training)
    layout = layout_of(network)
    while not over(standing.history, training):
        start, number = time.perf_counter(), len(standing.history) + 1
        # Sums stay on the device until the epoch ends: to read one is to wait for all that was asked of it.
        sums, norms = torch.zeros(2, device=device), torch.zeros(2, device=device)
        network.train()
        for images, labels in fed(train, batches(len(train), training.batch, generator=generator)):
            images = augment(images, training.augmentation, generator=generator)
            images = normalise(images).contiguous(memory_format=layout)
            optimizer.zero_grad(set_to_none=True)
            for piece, truth in zip(
                _cut(images, standing.pieces), _cut(labels, standing.pieces), strict=True
            ):
                logits = step(piece)
                losses = loss(logits, truth)
                (losses.sum() / len(labels)).backward()
                right = logits.detach().argmax(1) == truth
                sums += torch.stack((losses.detach().sum(), right.sum()))
            if ends:
                norms += torch.stack([gradient_norm(end) for end in ends])
            optimizer.step()
        loss_sum, correct = sums.tolist()
        _require_finite(loss_sum, "training", number)
        logits = logits_of(network, validation.images, step=step)
        losses = loss(logits, validation.labels)
        epoch = Epoch(
            number=number,
            train_loss=loss_sum / len(train),
            train_accuracy=correct / len(train),
            validation_loss=_require_finite(float(losses.mean()), "validation", number),
            validation_accuracy=float((logits.argmax(1) == validation.labels).float().mean()),
            seconds=time.perf_counter() - start,
            gradient_ratio=_ratio(*norms.tolist()),
        )
        standing.history.append(epoch)
        if best_epoch(standing.history) is epoch:
            standing.best = copied(network)
        keep(standing)
        yield epoch
    network.load_state_dict(standing.best)


def _alpha(train: Part, classes: int, training: TrainingSpec) -> Tensor:
    """What each class weighs in the loss, (classes,), on the samples' device."""
    if training.class_weights == "inverse":
        return class_weights(train.labels.cpu(), classes).to(train.device)
    return torch.ones(classes, device=train.device)


def _cut(values: Tensor, pieces: int) -> tuple[Tensor, ...]:
    """`values` in at most so many near-equal pieces, and none of one value, which batch norm cannot take."""
    return values.tensor_split(max(1, min(pieces, len(values) // 2)))


def batches(samples: int, size: int, *, generator: torch.Generator) -> list[Tensor]:
    """All rows in a fresh random order, cut into batches.

    A last batch of one joins the one before it: batch norm cannot be trained on a single value.
    """
    parts = list(torch.randperm(samples, generator=generator).split(size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def gradient_norm(module: nn.Module) -> Tensor:
    """Euclidean norm of the gradients of all of a module's parameters, a scalar on their device."""
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)


def _ratio(first: float, last: float) -> float | None:
    """`first` over `last`, None where it is no number; what has vanished altogether is the least number."""
    if last <= 0 or not math.isfinite(first / last):
        return None
    return max(first / last, sys.float_info.min)


def _require_finite(loss: float, what: str, epoch: int) -> float:
    if not math.isfinite(loss):
        raise Diverged(f"the {what} loss became {loss} in epoch {epoch}")
    return loss
