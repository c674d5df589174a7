"""What a trained network is put through beside its test: see `studies.checks`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import count, islice

import torch
from torch import nn

from datasets.corrupt import corrupt
from datasets.pixels.cache import Pixels
from datasets.spec import CORRUPTIONS, STRENGTHS
from datasets.synthetic.film import portrait
from harness.footage import Shot
from harness.predicting import Predictor, Trained
from harness.training.evaluate import predict
from studies.metrics import headline
from studies.results import Prediction, Timing
from studies.spec import RunSpec

PEOPLE = 8
"""Drawn pictures that are looked at in turn."""

ROUNDS, LEAST_ROUNDS, SECONDS = 200, 30, 10.0
"""Most pictures timed; fewest, where they take longer than these seconds."""

WARM_UP = 3


def corrupted(
    network: nn.Module, pixels: Pixels, rows: Sequence[int], *, spec: RunSpec, device: torch.device
) -> tuple[Prediction, ...]:
    """The test samples `rows` answered under every corruption at every strength, by the protocol's unit."""
    images = torch.from_numpy(pixels.images[list(rows)]).to(device)
    samples = [pixels.table.samples[row] for row in rows]
    return tuple(
        replace(prediction, condition=f"{kind} {strength}")
        for kind in CORRUPTIONS
        for strength in STRENGTHS
        for prediction in headline(
            predict(network, corrupt(images, kind, strength=strength, seed=spec.split_seed), samples=samples),
            spec.protocol,
        )
    )


def latency(
    network: nn.Module, *, spec: RunSpec, classes: Sequence[str], device: torch.device
) -> tuple[Timing, ...]:
    """Milliseconds to find the face in one camera picture, and to classify it, one picture after another.

    The pictures are drawn, 640 by 480; the face is cut and classified as `harness predict` does.
    """
    trained = Trained(run_id="", spec=spec, classes=tuple(classes), network=network.eval(), device=device)
    predictor = Predictor(trained, align="haar", film=False)
    pictures = [portrait((person,)) for person in range(PEOPLE)]
    shots = (Shot(file="", frame=n, image=pictures[n % PEOPLE], reading=0.0) for n in count(1))
    for shot in islice(shots, WARM_UP):
        predictor.row(shot)
    seconds: list[tuple[float, float]] = []
    start = time.perf_counter()
    for shot in islice(shots, ROUNDS):
        _, face, answer = predictor.row(shot).seconds
        seconds.append((face, answer))
        if len(seconds) >= LEAST_ROUNDS and time.perf_counter() - start > SECONDS:
            break
    faces, answers = (tuple(1000 * each for each in column) for column in zip(*seconds, strict=True))
    return Timing(part="face", milliseconds=faces), Timing(part="network", milliseconds=answers)
