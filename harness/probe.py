"""Short timings of networks on this machine, as it is when no other process uses its cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from architectures.spec import USER_NETWORK
from datasets.augment import augment, normalize
from datasets.corrupt import corrupt
from datasets.spec import CORRUPTIONS, STRENGTHS
from harness.bench.timed import synchronize
from harness.cost import build_empty
from harness.training.engine import configure_backend, make_forward, match_memory_format, to_device_layout
from harness.training.loss import focal_loss
from studies.spec import RunSpec

LARGE_IMAGE_SIZE, TIMING_IMAGE_SIZE, SMALL_BATCH = 128, 80, 2
"""From `LARGE` pixels a side on, a CPU is timed on images of fewer pixels, `FEW` of them and some more: a
whole batch would take up to a minute."""

BATCH_MULTIPLES = (3, 8)
"""Least and greatest multiple of `FEW` in the second timing, by how long the first took."""

MAX_REPEATS, MAX_SECONDS = 4, 0.12
"""Most repeats of a timing, of which there are two even if they take longer than so many seconds."""

MATRIX_SIZE, LOAD_SECONDS = 768, 0.1
"""Side of the matrices whose products ask for every core, and for how many seconds they do."""

IDLE_CORE_SHARE = 0.85
"""Share of the processor time it asks for that a process gets on an idle machine, at least."""

THREAD_SCALING = 0.8
"""The exponent of the number of threads that gives how many times faster they are than one: a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Seconds on an idle machine: of an image in training, of an image in evaluation, and of a training step.

    The step's are those that it takes whatever the number of its images, the optimizer's update among them.
    """

    training: float
    evaluation: float
    step_overhead: float


def measure_core_share() -> float:
    """Return the share, 0 to 1, of the processor time that this process asks for and gets for `LOOK` seconds.

    It asks for as many cores as torch has threads. On an idle machine the share is above `IDLE`.
    """
    matrix = torch.ones(MATRIX_SIZE, MATRIX_SIZE)
    matrix @ matrix  # the first product starts the threads
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - wall_start) < LOAD_SECONDS:
        matrix @ matrix
    return min(1.0, (time.process_time() - cpu_start) / (elapsed * torch.get_num_threads()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Times work on a device by `clock`, and expects it to be `speedup` times faster than that."""

    device: torch.device
    clock: Callable[[], float] = time.perf_counter
    speedup: float = 1.0

    def time_fastest(self, work: Callable[[], object]) -> float:
        """Return the seconds of the fastest repeat; the first warms up."""
        timings: list[float] = []
        while len(timings) < 2 or (len(timings) < MAX_REPEATS and sum(timings) < MAX_SECONDS):
            start = self.clock()
            work()
            synchronize(self.device)
            timings.append(self.clock() - start)
        return min(timings) / self.speedup

    def time_batch(self, work: Callable[[int], object], images: int) -> tuple[float, float]:
        """Return the seconds of `work` for an image in a batch of so many, and 0 for the batch itself."""
        return self.time_fastest(partial(work, images)) / images, 0.0

    def time_two_batches(self, work: Callable[[int], object]) -> tuple[float, float]:
        """Return the seconds of `work` for an image, and for a batch beside its images."""
        small_seconds, (min_multiple, max_multiple) = (
            max(self.time_fastest(partial(work, SMALL_BATCH)), 1e-6),
            BATCH_MULTIPLES,
        )
        images = SMALL_BATCH * max(min_multiple, min(max_multiple, int(2 * MAX_SECONDS / small_seconds)))
        large_seconds = self.time_fastest(partial(work, images))
        image_seconds = min(
            max((large_seconds - small_seconds) / (images - SMALL_BATCH), large_seconds / images / 10),
            large_seconds / images,
        )
        return image_seconds, large_seconds - images * image_seconds


@contextmanager
def idle_timer(device: torch.device, *, threads: int, busy: bool) -> Iterator[Timer]:
    """Yield a timer of work with so many threads, within which torch computes.

    On a busy machine threads wait for each other, up to ten times as long as they compute. There one thread
    is timed by its processor time, and `threads` are assumed to be faster as `EFFICIENCY` says.
    """
    previous_threads = torch.get_num_threads()
    torch.set_num_threads(1 if busy else threads)
    try:
        if busy:
            yield Timer(device=device, clock=time.process_time, speedup=threads**THREAD_SCALING)
        else:
            yield Timer(device=device)
    finally:
        torch.set_num_threads(previous_threads)


def measure_speed(spec: RunSpec, timer: Timer, *, num_classes: int) -> Speed:
    """Time training steps of a run's network, the changes of its images included.

    Large images are timed small on a CPU, and the time grows with the pixels: so do the multiply-adds
    that `harness.cost` counts, within a sixth. The random state of the caller stays as it was.

    Raises:
        Exception: the network cannot be built or trained.
    """
    device, image_size, pixel_factor = timer.device, spec.dataset.image_size, 1.0
    is_large = device.type == "cpu" and image_size >= LARGE_IMAGE_SIZE
    if is_large and spec.architecture.network != USER_NETWORK:  # which may take images of one size alone
        image_size, pixel_factor = TIMING_IMAGE_SIZE, (image_size / TIMING_IMAGE_SIZE) ** 2
    # Compiling for a timing would take as long as it wins back.
    training = replace(spec.training, compile=False)
    configure_backend(training)
    with torch.random.fork_rng(devices=[]):
        network = to_device_layout(
            build_empty(spec.architecture, num_classes=num_classes), spec.architecture, device
        )
        step = make_forward(network, training)
        optimizer = torch.optim.Adam(network.parameters(), fused=device.type != "mps")
        generator = torch.Generator().manual_seed(0)
        alpha = torch.ones(num_classes, device=device)

        def train(batch_size: int) -> None:
            optimizer.zero_grad(set_to_none=True)
            images = _make_black_images(batch_size, image_size, device=device)
            inputs = normalize(augment(images, training.augmentation, generator=generator))
            logits = step(match_memory_format(inputs, network))
            labels = torch.zeros(batch_size, dtype=torch.int64, device=device)
            focal_loss(logits, labels, alpha=alpha, gamma=training.gamma).mean().backward()

        def evaluate(batch_size: int) -> None:
            with torch.inference_mode():
                step(
                    match_memory_format(
                        normalize(_make_black_images(batch_size, image_size, device=device).float() / 255),
                        network,
                    )
                )

        measure = (
            timer.time_two_batches if is_large else partial(timer.time_batch, images=training.batch_size)
        )
        training_seconds, fixed_seconds = measure(train)
        update_seconds = timer.time_fastest(optimizer.step)
        network.eval()
        evaluation_seconds, _ = measure(evaluate)
    return Speed(
        training=pixel_factor * training_seconds,
        evaluation=pixel_factor * evaluation_seconds,
        step_overhead=fixed_seconds + update_seconds,
    )


def _make_black_images(count: int, size: int, *, device: torch.device) -> Tensor:
    """Black images (images, 3, size, size) uint8."""
    return torch.zeros(count, 3, size, size, dtype=torch.uint8, device=device)


def measure_corruptions(image_size: int, timer: Timer) -> float:
    """Return the seconds that it takes to change an image in every way and at every strength."""
    images = _make_black_images(SMALL_BATCH, image_size, device=timer.device)

    def corrupt_images() -> None:
        for kind in CORRUPTIONS:
            corrupt(images, kind, strength=STRENGTHS[0], seed=0)

    return len(STRENGTHS) * timer.time_fastest(corrupt_images) / len(images)
