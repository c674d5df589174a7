"""Measure how the time of a study grows with its size, on a small network."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import torch

from architectures.catalogue import PROPOSED, get_architecture, with_width
from architectures.network import build_network
from harness.api import run
from harness.bench.data import temporary_cache
from harness.bench.results import GrowthCurve
from harness.bench.timing import measure_seconds
from harness.bench.training_loops import Workload, load_faces, time_harness_epochs
from harness.data.loading import DataRequest
from harness.planning.request import Request
from harness.tracking.tracker import Tracker
from harness.training.batches import SplitData
from harness.training.engine import EngineChoice, configure_backend
from harness.training.train import fit, init_state
from studies.spec import TrainingSpec

FACTORS = (1, 3, 10)
IMAGE_SIZE, WIDTH = 32, 1 / 16
FIRST_STEPS, FIRST_EPOCHS, FIRST_CLASSES, FIRST_CELLS = 3, 2, 6, 1
"""Smallest sizes of the curves: batches of 32 per epoch, epochs, classes, cells."""

REPEATS = 3
"""Number of timings per point, of which the median is used. Cells are timed once."""


def measure_growth(
    faces: Path, *, engine_choice: EngineChoice, device: torch.device
) -> tuple[GrowthCurve, ...]:
    """Measure curves over frames, epochs, classes and cells on `faces`, a release in CASME II's layout."""
    # Without compilation, which would run again for every size and be part of the times.
    training = engine_choice.apply_to(TrainingSpec())
    training = training.without_compilation()
    workload = Workload(
        spec=with_width(get_architecture(PROPOSED), WIDTH),
        training=training,
        pixels=load_faces(faces, IMAGE_SIZE),
        steps=FIRST_STEPS,
        device=device,
    )
    configure_backend(training)
    return (
        _measure_curve("frames", FIRST_STEPS * training.batch_size, partial(_time_epoch, workload)),
        _measure_curve("epochs", FIRST_EPOCHS, partial(_time_training, workload)),
        _measure_curve("classes", FIRST_CLASSES, partial(_time_classes, workload)),
        _measure_curve("cells", FIRST_CELLS, partial(_time_study, faces, device.type)),
    )


def _measure_curve(quantity: str, first_size: int, measure: Callable[[int], float]) -> GrowthCurve:
    """Measure the seconds of each size with `measure`, after one warm-up call."""
    sizes = tuple(first_size * factor for factor in FACTORS)
    measure(first_size)
    return GrowthCurve(quantity=quantity, sizes=sizes, seconds=tuple(map(measure, sizes)))


def _time_epoch(workload: Workload, frames: int) -> float:
    """Return the seconds of an epoch of `frames` frames."""
    _, *times = islice(
        time_harness_epochs(replace(workload, steps=frames // workload.training.batch_size)), REPEATS + 1
    )
    return median(times)


def _time_training(workload: Workload, epochs: int) -> float:
    """Return the seconds of a complete training of `epochs` epochs."""
    return median(
        measure_seconds(partial(_train_network, workload, epochs=epochs), device=workload.device)
        for _ in range(REPEATS)
    )


def _time_classes(workload: Workload, num_classes: int) -> float:
    """Return the seconds of a training with `num_classes` classes, all of which occur in the data."""
    workload = replace(workload, steps=FIRST_CLASSES * FACTORS[-1] // workload.training.batch_size + 1)
    return median(
        measure_seconds(
            partial(_train_network, workload, epochs=FIRST_EPOCHS, num_classes=num_classes),
            device=workload.device,
        )
        for _ in range(REPEATS)
    )


def _train_network(workload: Workload, *, epochs: int, num_classes: int = FIRST_CLASSES) -> None:
    data = workload.load_data(workload.images_per_epoch)
    data = SplitData(images=data.images, labels=torch.arange(len(data), device=workload.device) % num_classes)
    network = build_network(workload.spec, num_classes=num_classes).to(
        workload.device, memory_format=torch.channels_last
    )  # type: ignore[call-overload]
    training = replace(workload.training, epochs=epochs, patience=epochs)
    state = init_state(network, training, seed=0)
    for _ in fit(state, data, validation=data, num_classes=num_classes, training=training):
        pass


def _time_study(faces: Path, device: str, cells: int) -> float:
    """Return the seconds of a study of `cells` cells with tracking and report, in an empty existing store."""
    request = Request(
        kind="comparison",
        data=DataRequest(dataset="casme2", root=faces, frames="apex_window"),
        only=(PROPOSED,),
        seeds=cells,
        preset="quick",
        epochs=1,
        image_size=IMAGE_SIZE,
        width=WIDTH,
        device=device,
    )
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder, temporary_cache():
        store = f"sqlite:///{Path(folder) / 'mlflow.db'}"
        Tracker(store).store.check_connection()
        return measure_seconds(partial(run, request, out=Path(folder) / "results", tracking_uri=store))
