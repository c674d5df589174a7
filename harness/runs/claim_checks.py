"""Checks of a trained network besides its test: robustness and latency (see `studies.claim_checks`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import count, islice

import torch
from torch import nn

from datasets.corrupt import corrupt
from datasets.corruptions import CORRUPTIONS, STRENGTHS
from datasets.preprocessing.image_array import ImageArray
from datasets.synthetic.clip_writer import render_portrait
from harness.inference.predictor import Predictor, TrainedModel
from harness.inference.video_io import Frame
from harness.training.evaluation import predict
from studies.metrics import to_evaluation_unit
from studies.results import Prediction, Timing
from studies.spec import RunSpec

FACE_COUNT = 8
"""Number of rendered portraits that the latency check cycles through."""

MAX_IMAGES, MIN_IMAGES, MAX_SECONDS = 200, 30, 10.0
"""The latency check times up to `MAX_IMAGES`; after `MAX_SECONDS` it stops once it has `MIN_IMAGES`."""

WARM_UP_IMAGES = 3


def evaluate_robustness(
    network: nn.Module, pixels: ImageArray, rows: Sequence[int], *, spec: RunSpec, device: torch.device
) -> tuple[Prediction, ...]:
    """Predict the test samples `rows` under every corruption at every strength.

    The predictions are per evaluation unit of the protocol.
    """
    images = torch.from_numpy(pixels.images[list(rows)]).to(device)
    samples = [pixels.table.samples[row] for row in rows]
    return tuple(
        replace(prediction, condition=f"{corruption} {strength}")
        for corruption in CORRUPTIONS
        for strength in STRENGTHS
        for prediction in to_evaluation_unit(
            predict(
                network, corrupt(images, corruption, strength=strength, seed=spec.split_seed), samples=samples
            ),
            spec.protocol,
        )
    )


def measure_latency(
    network: nn.Module, *, spec: RunSpec, classes: Sequence[str], device: torch.device
) -> tuple[Timing, ...]:
    """Measure the milliseconds per camera image of face detection and of classification.

    The images are rendered portraits of 640 by 480 pixels, processed one at a time. The face is cropped and
    classified as in `harness predict`.
    """
    model = TrainedModel(run_id="", spec=spec, classes=tuple(classes), network=network.eval(), device=device)
    predictor = Predictor(model, align="haar", is_video=False)
    images = [render_portrait((person,)) for person in range(FACE_COUNT)]
    frames = (
        Frame(file="", number=number, image=images[number % FACE_COUNT], read_seconds=0.0)
        for number in count(1)
    )
    for frame in islice(frames, WARM_UP_IMAGES):
        predictor.predict(frame)
    seconds: list[tuple[float, float]] = []
    start = time.perf_counter()
    for frame in islice(frames, MAX_IMAGES):
        _, face_seconds, network_seconds = predictor.predict(frame).stage_seconds
        seconds.append((face_seconds, network_seconds))
        if len(seconds) >= MIN_IMAGES and time.perf_counter() - start > MAX_SECONDS:
            break
    face_times, network_times = (
        tuple(1000 * value for value in times) for times in zip(*seconds, strict=True)
    )
    return Timing(phase="face", milliseconds=face_times), Timing(phase="network", milliseconds=network_times)
