"""Short timings of networks on this machine, as it is when no other process uses its cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from architectures.spec import USER
from datasets.augment import augment, normalise
from datasets.corrupt import corrupt
from datasets.spec import CORRUPTIONS, STRENGTHS
from harness.bench.timed import wait
from harness.cost import build_empty
from harness.training.engine import arranged, laid_out, settle, stepping
from harness.training.loss import focal_loss
from studies.spec import RunSpec

LARGE, PROBE_SIZE, FEW = 128, 80, 2
"""From `LARGE` pixels a side on, a CPU is timed on images of fewer pixels, `FEW` of them and some more: a
whole batch would take up to a minute."""

MORE = (3, 8)
"""Least and greatest multiple of `FEW` in the second timing, by how long the first took."""

REPEATS, LONG = 4, 0.12
"""Most repeats of a timing, of which there are two even if they take longer than so many seconds."""

MATRIX, LOOK = 768, 0.1
"""Side of the matrices whose products ask for every core, and for how many seconds they do."""

IDLE = 0.85
"""Share of the processor time it asks for that a process gets on an idle machine, at least."""

EFFICIENCY = 0.8
"""The exponent of the number of threads that gives how many times faster they are than one: a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Seconds on an idle machine: of an image in training, of an image in evaluation, and of a training step.

    The step's are those that it takes whatever the number of its images, the optimizer's update among them.
    """

    training: float
    answering: float
    step: float


def share_of_cores() -> float:
    """Return the share, 0 to 1, of the processor time that this process asks for and gets for `LOOK` seconds.

    It asks for as many cores as torch has threads. On an idle machine the share is above `IDLE`.
    """
    matrix = torch.ones(MATRIX, MATRIX)
    matrix @ matrix  # the first product starts the threads
    wall, processor = time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - wall) < LOOK:
        matrix @ matrix
    return min(1.0, (time.process_time() - processor) / (elapsed * torch.get_num_threads()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Times work on a device by `clock`, and expects it to be `speedup` times faster than that."""

    device: torch.device
    clock: Callable[[], float] = time.perf_counter
    speedup: float = 1.0

    def fastest(self, work: Callable[[], object]) -> float:
        """Return the seconds of the fastest repeat; the first warms up."""
        timings: list[float] = []
        while len(timings) < 2 or (len(timings) < REPEATS and sum(timings) < LONG):
            start = self.clock()
            work()
            wait(self.device)
            timings.append(self.clock() - start)
        return min(timings) / self.speedup

    def batch(self, work: Callable[[int], object], images: int) -> tuple[float, float]:
        """Return the seconds of `work` for an image in a batch of so many, and 0 for the batch itself."""
        return self.fastest(partial(work, images)) / images, 0.0

    def line(self, work: Callable[[int], object]) -> tuple[float, float]:
        """Return the seconds of `work` for an image, and for a batch beside its images."""
        few, (least, greatest) = max(self.fastest(partial(work, FEW)), 1e-6), MORE
        images = FEW * max(least, min(greatest, int(2 * LONG / few)))
        many = self.fastest(partial(work, images))
        image = min(max((many - few) / (images - FEW), many / images / 10), many / images)
        return image, many - images * image


@contextmanager
def idle_timer(device: torch.device, *, threads: int, busy: bool) -> Iterator[Timer]:
    """Yield a timer of work with so many threads, within which torch computes.

    On a busy machine threads wait for each other, up to ten times as long as they compute. There one thread
    is timed by its processor time, and `threads` are assumed to be faster as `EFFICIENCY` says.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1 if busy else threads)
    try:
        if busy:
            yield Timer(device=device, clock=time.process_time, speedup=threads**EFFICIENCY)
        else:
            yield Timer(device=device)
    finally:
        torch.set_num_threads(before)


def measure_speed(run: RunSpec, timer: Timer, *, classes: int) -> Speed:
    """Time training steps of a run's network, the changes of its images included.

    Large images are timed small on a CPU, and the time grows with the pixels: so do the multiply-adds
    that `harness.cost` counts, within a sixth. The random state of the caller stays as it was.

    Raises:
        Exception: the network cannot be built or trained.
    """
    device, size, grows = timer.device, run.dataset.image_size, 1.0
    large = device.type == "cpu" and size >= LARGE
    if large and run.architecture.network != USER:  # which may take images of one size alone
        size, grows = PROBE_SIZE, (size / PROBE_SIZE) ** 2
    # Compiling for a timing would take as long as it wins back.
    training = replace(run.training, compile=False)
    settle(training)
    with torch.random.fork_rng(devices=[]):
        network = arranged(build_empty(run.architecture, classes=classes), run.architecture, device)
        step = stepping(network, training)
        optimizer = torch.optim.Adam(network.parameters(), fused=device.type != "mps")
        generator = torch.Generator().manual_seed(0)
        alpha = torch.ones(classes, device=device)

        def train(images: int) -> None:
            optimizer.zero_grad(set_to_none=True)
            black = _black(images, size, device=device)
            changed = normalise(augment(black, training.augmentation, generator=generator))
            logits = step(laid_out(changed, network))
            truth = torch.zeros(images, dtype=torch.int64, device=device)
            focal_loss(logits, truth, alpha=alpha, gamma=training.gamma).mean().backward()

        def answer(images: int) -> None:
            with torch.inference_mode():
                step(laid_out(normalise(_black(images, size, device=device).float() / 255), network))

        measure = timer.line if large else partial(timer.batch, images=training.batch)
        trained, fixed = measure(train)
        update = timer.fastest(optimizer.step)
        network.eval()
        answered, _ = measure(answer)
    return Speed(training=grows * trained, answering=grows * answered, step=fixed + update)


def _black(images: int, size: int, *, device: torch.device) -> Tensor:
    """Black images (images, 3, size, size) uint8."""
    return torch.zeros(images, 3, size, size, dtype=torch.uint8, device=device)


def measure_corruptions(image_size: int, timer: Timer) -> float:
    """Return the seconds that it takes to change an image in every way and at every strength."""
    images = _black(FEW, image_size, device=timer.device)

    def change() -> None:
        for kind in CORRUPTIONS:
            corrupt(images, kind, strength=STRENGTHS[0], seed=0)

    return len(STRENGTHS) * timer.fastest(change) / len(images)
