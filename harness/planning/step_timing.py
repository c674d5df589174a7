"""Time networks on this machine briefly, and estimate the times of an idle machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from architectures.spec import USER_NETWORK
from datasets.augment import augment, make_normalize, sample_uniform, scale_to_params
from datasets.corrupt import corrupt
from datasets.corruptions import CORRUPTIONS, STRENGTHS
from harness.device import synchronize
from harness.flop_count import build_empty
from harness.training.engine import backend_settings, make_forward, match_memory_format, to_device_layout
from harness.training.loss import focal_loss
from studies.spec import RunSpec

LARGE_IMAGE_SIZE, TIMING_IMAGE_SIZE, SMALL_BATCH = 128, 80, 2
"""Limits for timings on a CPU.

Images of at least `LARGE_IMAGE_SIZE` pixels a side are timed at `TIMING_IMAGE_SIZE`, in a batch of
`SMALL_BATCH` and a larger one, because a full batch would take up to a minute.
"""

BATCH_MULTIPLES = (3, 8)
"""Minimum and maximum size of the larger batch, in multiples of `SMALL_BATCH`."""

MAX_REPEATS, MAX_SECONDS = 4, 0.12
"""Maximum number of repeats of a timing, and their maximum total seconds; there are always two repeats."""

MATRIX_SIZE, LOAD_SECONDS = 768, 0.1
"""Side of the matrices whose products use all cores, and the seconds for which they are computed."""

IDLE_CORE_SHARE = 0.85
"""Minimum share of the requested processor time that a process gets on an idle machine."""

THREAD_SCALING = 0.8
"""Assumed exponent of the speedup by threads: n threads are n ** THREAD_SCALING times as fast as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Seconds on an idle machine: per training image, per evaluation image, and fixed time per training step.

    The fixed time does not depend on the batch size; it includes the update of the optimizer.
    """

    training: float
    evaluation: float
    step_overhead: float


def measure_core_share() -> float:
    """Return the share, 0 to 1, of the requested processor time that this process gets.

    For `LOAD_SECONDS` it requests as many cores as torch has threads. On an idle machine the share is above
    `IDLE_CORE_SHARE`.
    """
    matrix = torch.ones(MATRIX_SIZE, MATRIX_SIZE)
    matrix @ matrix  # the first product starts the threads
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - wall_start) < LOAD_SECONDS:
        matrix @ matrix
    return min(1.0, (time.process_time() - cpu_start) / (elapsed * torch.get_num_threads()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Time work on a device with `clock`, and divide the seconds by `speedup`."""

    device: torch.device
    clock: Callable[[], float] = time.perf_counter
    speedup: float = 1.0

    def time_fastest(self, work: Callable[[], object]) -> float:
        """Return the seconds of the fastest repeat; the first repeat warms up."""
        timings: list[float] = []
        while len(timings) < 2 or (len(timings) < MAX_REPEATS and sum(timings) < MAX_SECONDS):
            start = self.clock()
            work()
            synchronize(self.device)
            timings.append(self.clock() - start)
        return min(timings) / self.speedup

    def time_batch(self, work: Callable[[int], object], images: int) -> tuple[float, float]:
        """Return the seconds of `work` per image in a batch of `images`, and 0 as fixed seconds per batch."""
        return self.time_fastest(partial(work, images)) / images, 0.0

    def time_two_batches(self, work: Callable[[int], object]) -> tuple[float, float]:
        """Return the seconds of `work` per image and the fixed seconds per batch, from two batch sizes."""
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
    """Set the number of torch threads within the block and yield a timer of work with `threads` threads.

    On a busy machine threads wait for each other, up to ten times as long as they compute. In that case the
    timer measures the processor time of one thread and divides it by `threads` ** `THREAD_SCALING`.
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
    """Time training steps of a run's network, including data augmentation, and evaluation.

    On a CPU, large images are timed at a smaller size, and the time is scaled with the number of pixels. The
    multiply-adds that `harness.flop_count` counts scale likewise, within a sixth. The random state of the
    caller does not change.

    Raises:
        Exception: The network cannot be built or trained.
    """
    device, image_size, pixel_factor = timer.device, spec.dataset.image_size, 1.0
    is_large = device.type == "cpu" and image_size >= LARGE_IMAGE_SIZE
    if is_large and spec.architecture.network != USER_NETWORK:  # a user network may accept only one size
        image_size, pixel_factor = TIMING_IMAGE_SIZE, (image_size / TIMING_IMAGE_SIZE) ** 2
    # Compiling takes longer than it would save in a short timing.
    training = spec.training.without_compilation()
    with backend_settings(training, device):
        network = to_device_layout(
            build_empty(spec.architecture, num_classes=num_classes), spec.architecture, device
        )
        step = make_forward(network, training)
        generator = torch.Generator().manual_seed(0)
        alpha = torch.ones(num_classes, device=device)
        normalize = make_normalize(device)

        def train(batch_size: int) -> None:
            network.zero_grad(set_to_none=True)
            images = _make_black_images(batch_size, image_size, device=device)
            uniform = sample_uniform(batch_size, generator=generator).to(device)
            inputs = normalize(augment(images, scale_to_params(uniform, training.augmentation)))
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
        update_seconds = timer.time_fastest(_make_adam_step(network))
        network.eval()
        evaluation_seconds, _ = measure(evaluate)
    return Speed(
        training=pixel_factor * training_seconds,
        evaluation=pixel_factor * evaluation_seconds,
        step_overhead=fixed_seconds + update_seconds,
    )


def _make_adam_step(network: nn.Module) -> Callable[[], None]:
    """Return a function that updates the weights from their gradients as `torch.optim.Adam` does.

    Creating a `torch.optim.Adam` would import torch's compiler, which takes two seconds.
    """
    weights: list[Tensor] = [weight for weight in network.parameters() if weight.grad is not None]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    means, squares = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    is_fused = all(weight.device.type != "mps" for weight in weights)
    steps = [torch.zeros((), device=weight.device if is_fused else "cpu") for weight in weights]

    @torch.no_grad()
    def step() -> None:
        adam(
            weights,
            gradients,
            means,
            squares,
            [],
            steps,
            fused=is_fused,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=1e-3,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )

    return step


def _make_black_images(count: int, size: int, *, device: torch.device) -> Tensor:
    """Return black images, uint8 (count, 3, size, size)."""
    return torch.zeros(count, 3, size, size, dtype=torch.uint8, device=device)


def measure_corruptions(image_size: int, timer: Timer) -> float:
    """Return the seconds of applying every corruption at every strength to one image."""
    images = _make_black_images(SMALL_BATCH, image_size, device=timer.device)

    def corrupt_images() -> None:
        for kind in CORRUPTIONS:
            corrupt(images, kind, strength=STRENGTHS[0], seed=0)

    return len(STRENGTHS) * timer.time_fastest(corrupt_images) / len(images)
