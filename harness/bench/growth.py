"""How the time of a study grows with what is in it, on the smallest network that shows it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import torch

from architectures.catalogue import PROPOSED, architecture, scaled
from architectures.network import build
from harness.api import run
from harness.bench.data import own_cache
from harness.bench.loops import Job, harness_epochs, pixels_of
from harness.bench.results import Curve
from harness.bench.timed import seconds
from harness.data.reading import DataRequest
from harness.plan import Request
from harness.tracking.ledger import Ledger
from harness.training.engine import Choice, settle
from harness.training.feed import Part
from harness.training.train import begun, fit
from studies.spec import TrainingSpec

FACTORS = (1, 3, 10)
SIZE, WIDTH = 32, 1 / 16
STEPS, EPOCHS, CLASSES, CELLS = 3, 2, 6, 1
"""What a curve begins at: batches of 32 an epoch, epochs, classes, cells."""

TIMES = 3
"""How often each point is timed; the median counts. Cells are timed once, being many themselves."""


def grown(faces: Path, *, choice: Choice, device: torch.device) -> tuple[Curve, ...]:
    """Curves over frames, epochs, classes and cells, from `faces` in CASME II's layout."""
    # Compiled anew for every size, a network would be timed for that.
    training = choice.into(TrainingSpec())
    training = replace(training, compile=False)
    job = Job(
        spec=scaled(architecture(PROPOSED), WIDTH),
        training=training,
        pixels=pixels_of(faces, SIZE),
        steps=STEPS,
        device=device,
    )
    settle(training)
    return (
        _curve("frames", STEPS * training.batch, partial(_epoch, job)),
        _curve("epochs", EPOCHS, partial(_fitted, job)),
        _curve("classes", CLASSES, partial(_classes, job)),
        _curve("cells", CELLS, partial(_study, faces, device.type)),
    )


def _curve(what: str, first: int, timed: Callable[[int], float]) -> Curve:
    """`timed` says how long so many of `what` take; once before, uncounted."""
    sizes = tuple(first * factor for factor in FACTORS)
    timed(first)
    return Curve(what=what, sizes=sizes, seconds=tuple(map(timed, sizes)))


def _epoch(job: Job, frames: int) -> float:
    """An epoch of so many frames."""
    _, *taken = islice(harness_epochs(replace(job, steps=frames // job.training.batch)), TIMES + 1)
    return median(taken)


def _fitted(job: Job, epochs: int) -> float:
    """A network's whole training, from the first of so many epochs to the best one's weights."""
    return median(seconds(partial(_fit, job, epochs=epochs), device=job.device) for _ in range(TIMES))


def _classes(job: Job, classes: int) -> float:
    """The same in so many classes, every one of which the frames have."""
    job = replace(job, steps=CLASSES * FACTORS[-1] // job.training.batch + 1)
    return median(
        seconds(partial(_fit, job, epochs=EPOCHS, classes=classes), device=job.device) for _ in range(TIMES)
    )


def _fit(job: Job, *, epochs: int, classes: int = CLASSES) -> None:
    part = job.part(job.images)
    part = Part(images=part.images, labels=torch.arange(len(part), device=job.device) % classes)
    network = build(job.spec, classes=classes).to(job.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    training = replace(job.training, epochs=epochs, patience=epochs)
    standing = begun(network, training, seed=0)
    for _ in fit(standing, part, validation=part, classes=classes, training=training):
        pass


def _study(faces: Path, device: str, cells: int) -> float:
    """A study of so many cells, tracked and reported on, on a store that is new but there."""
    request = Request(
        kind="comparison",
        data=DataRequest(dataset="casme2", root=faces, frames="apex_window"),
        only=(PROPOSED,),
        seeds=cells,
        preset="quick",
        epochs=1,
        image_size=SIZE,
        width=WIDTH,
        device=device,
    )
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as place, own_cache():
        store = f"sqlite:///{Path(place) / 'mlflow.db'}"
        Ledger(store).check()
        return seconds(partial(run, request, out=Path(place) / "results", tracking_uri=store))
