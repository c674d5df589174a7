"""How long a study should take, from a timed step of each of its networks."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from architectures.network import build
from architectures.spec import ArchitectureSpec
from harness.loss import focal_loss
from studies.spec import RunSpec

LARGE, PROBE = 128, 2
"""From this side in pixels on, a CPU is probed with so few images: a whole batch would take a minute."""


def upper_bound(runs: Sequence[RunSpec], *, samples: int, classes: int, device: torch.device) -> float:
    """Seconds that `runs` take if none stops early, evaluation left out; 0 if one cannot be probed."""
    each: dict[ArchitectureSpec, float] = {}
    total = 0.0
    for run in runs:
        if not run.trains:
            continue
        if run.architecture not in each:
            try:
                each[run.architecture] = _seconds_per_image(run, classes=classes, device=device)
            except (RuntimeError, ValueError):
                # The cell itself will say why it cannot be trained; no estimate is made without it.
                return 0.0
        total += each[run.architecture] * samples * run.training.epochs
    return total


def _seconds_per_image(run: RunSpec, *, classes: int, device: torch.device) -> float:
    size = run.dataset.image_size
    images = PROBE if device.type == "cpu" and size >= LARGE else run.training.batch
    with torch.random.fork_rng(devices=[]):
        network = build(run.architecture, classes=classes).to(device)
        network = network.to(memory_format=torch.channels_last)
        x = torch.zeros(images, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
        y = torch.zeros(images, dtype=torch.int64, device=device)
        alpha = torch.ones(classes, device=device)
        optimizer = torch.optim.Adam(network.parameters())
        seconds = 0.0
        for _ in range(2):  # the first warms up, the second counts
            start = time.perf_counter()
            optimizer.zero_grad(set_to_none=True)
            focal_loss(network(x), y, alpha=alpha, gamma=run.training.gamma).mean().backward()
            optimizer.step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds = time.perf_counter() - start
    return seconds / images
