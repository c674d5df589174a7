"""How long a study should take, from timed steps of each of its networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from architectures.network import build
from architectures.spec import ArchitectureSpec
from datasets.augment import augment, normalise
from datasets.corrupt import CORRUPTIONS, STRENGTHS
from datasets.spec import Split
from harness.bench.timed import seconds
from harness.training.checks import SECONDS
from harness.training.engine import arranged, laid_out, settle, stepping
from harness.training.loss import focal_loss
from studies.spec import RunSpec

LARGE, PROBE = 128, 2
"""From this side in pixels on, a CPU is probed with so few images: a whole batch would take a minute."""

AROUND = 0.5
"""Seconds that a cell takes beside its network: looking it up, counting, auditing, writing it down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Seconds that one image takes to be trained on, and to be answered."""

    training: float
    answering: float


def upper_bound(
    runs: Sequence[RunSpec], splits: Sequence[Split], *, classes: int, device: torch.device
) -> float:
    """Seconds that `runs` take if none stops early; 0 if a network cannot be probed.

    `splits` are the study's; the largest part of each kind counts.
    """
    parts = [[len(part) for part in (s.train, s.validation, s.test)] for s in splits]
    train, validation, test = (max(sizes) for sizes in zip(*parts, strict=True))
    speeds: dict[ArchitectureSpec, Speed] = {}
    total = 0.0
    for run in runs:
        if run.control == "latency":
            total += AROUND + SECONDS
            continue
        if run.architecture not in speeds:
            try:
                speeds[run.architecture] = _speed(run, classes=classes, device=device)
            except Exception:
                # The cell itself will say why it cannot be trained; no estimate is made without it.
                return 0.0
        speed = speeds[run.architecture]
        answered = test * len(CORRUPTIONS) * len(STRENGTHS) if run.control == "robustness" else test
        total += AROUND + speed.answering * answered
        if run.trains:
            total += run.training.epochs * (speed.training * train + speed.answering * validation)
    return total


def _speed(run: RunSpec, *, classes: int, device: torch.device) -> Speed:
    size = run.dataset.image_size
    images = PROBE if device.type == "cpu" and size >= LARGE else run.training.batch
    # Compiling for a probe would take as long as it wins back; the eager network is the upper bound.
    training = replace(run.training, compile=False)
    settle(training)
    with torch.random.fork_rng(devices=[]):
        network = arranged(build(run.architecture, classes=classes), run.architecture, device)
        step = stepping(network, training)
        x = torch.zeros(images, 3, size, size, dtype=torch.uint8, device=device)
        y = torch.zeros(images, dtype=torch.int64, device=device)
        alpha = torch.ones(classes, device=device)
        optimizer = torch.optim.Adam(network.parameters())

        generator = torch.Generator().manual_seed(0)

        def train() -> None:
            optimizer.zero_grad(set_to_none=True)
            images = normalise(augment(x, training.augmentation, generator=generator))
            logits = step(laid_out(images, network))
            focal_loss(logits, y, alpha=alpha, gamma=training.gamma).mean().backward()
            optimizer.step()

        def answer() -> None:
            with torch.inference_mode():
                step(laid_out(normalise(x.float() / 255), network))

        for _ in range(2):  # the first warms up, the second counts
            trained = seconds(train, device=device)
        network.eval()
        return Speed(training=trained / images, answering=seconds(answer, device=device) / images)
