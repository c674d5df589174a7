"""The two pictures of a report that need the data itself: a sample sheet and an augmentation strip."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from datasets.augment import augment
from datasets.pixels.cache import Pixels
from datasets.spec import Split
from reports.figures import augmentation_strip, legible, sample_sheet
from studies.spec import Study

COLUMNS = 6


def pictures(pixels: Pixels, split: Split, study: Study) -> dict[str, bytes]:
    """PNG bytes by name: "samples", apex frames of each class; "augmentation", one face drawn eight times."""
    table = pixels.table
    rows = [i for c in range(len(table.classes)) for i in _shown(pixels, c)]
    names = [(table.classes[table.samples[i].label], table.samples[i].subject) for i in rows]
    titles = [f"{legible(label)}\n{legible(subject)}" for label, subject in names]
    first = pixels.images[[split.train[0]] * 8]
    changed = augment(
        torch.from_numpy(first), study.training.augmentation, generator=torch.Generator().manual_seed(0)
    )
    with tempfile.TemporaryDirectory() as folder:
        places = {name: Path(folder) / f"{name}.png" for name in ("samples", "augmentation")}
        sample_sheet(pixels.images[rows], titles, places["samples"])
        augmentation_strip(first[0], (changed * 255).byte().numpy(), places["augmentation"])
        return {name: place.read_bytes() for name, place in places.items()}


def _shown(pixels: Pixels, label: int) -> list[int]:
    """Up to `COLUMNS` samples of a class, apex frames first, of as many subjects as there are."""
    samples = pixels.table.samples
    rows = [i for i, sample in enumerate(samples) if sample.label == label]
    rows.sort(key=lambda i: samples[i].role != "apex")
    seen: dict[str, int] = {}
    for i in rows:
        seen.setdefault(samples[i].subject, i)
    return list(seen.values())[:COLUMNS]
