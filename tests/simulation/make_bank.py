"""Train one small network many times: `python -m tests.simulation.make_bank OUT.npz [PART ...]`.

The trainings differ only in their seeds, so any two sets of them are identical arms. The images are
synthetic: 70 subjects for the protocols `frame` and `subject` (5 splits, 25 trainings each) and 10 subjects
for `loso` (25 trainings of each of 10 folds). This takes about an hour on one core. An interrupted run
resumes. Parts can be trained in separate processes; a call without PART then joins them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from datasets.spec import Sample
from datasets.synthetic.generator import SyntheticSpec, synthesize
from harness.data.loading import DataRequest
from harness.planning.plan import plan_study
from harness.planning.request import Request
from harness.runs.run import execute_run
from harness.runs.run_inputs import RunInputs
from studies.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the bank: `seeds` trainings on each of `divisions` splits, with `batch` images per step."""

    protocol: str
    people: str
    divisions: int
    seeds: int
    epochs: int
    batch: int


PEOPLE = {"many": (70, 420), "few": (10, 120)}
"""Subjects and clips of the synthetic sets; the six classes are balanced within each subject."""

PARTS = {
    "frame": Part(protocol="frame", people="many", divisions=5, seeds=25, epochs=7, batch=32),
    "subject": Part(protocol="subject", people="many", divisions=5, seeds=25, epochs=7, batch=32),
    "loso": Part(protocol="loso", people="few", divisions=1, seeds=25, epochs=12, batch=16),
    "half": Part(protocol="frame", people="many", divisions=1, seeds=20, epochs=4, batch=32),
}
"""`half` is trained for about half the epochs of `frame`, which is a true difference to detect."""


def main(out: Path, names: Sequence[str]) -> None:
    """Train the parts and write the bank to `out`, or train only the named parts."""
    torch.set_num_threads(1)
    folder = out.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or PARTS:
        _train(name, PARTS[name], folder)
    if names:
        return
    arrays: dict[str, Any] = {}
    for name in PARTS:
        with np.load(folder / f"{name}.npz") as stored:
            arrays |= {f"{name}_{key}": stored[key] for key in stored.files}
    np.savez_compressed(out, **arrays)


def _train(name: str, part: Part, folder: Path) -> None:
    subjects, clips = PEOPLE[part.people]
    root = folder / part.people
    if not root.exists():
        synthetic_spec = SyntheticSpec(
            layout="casme2",
            subjects=subjects,
            clips=clips,
            frames=3,
            balance=True,
            identity=0.3,
            amplitude=2.0,
        )
        synthesize(synthetic_spec, root)
    plan = plan_study(
        Request(
            kind="comparison",
            data=DataRequest(dataset="casme2", root=root, frames="apex"),
            only=("proposed",),
            protocols=(part.protocol,),
            preset="quick",
            image_size=32,
            width=0.125,
            epochs=part.epochs,
            batch=part.batch,
            seeds=part.seeds,
            splits=part.divisions,
        )
    )
    samples = plan.pixels.table.samples
    rows = {sample.id: row for row, sample in enumerate(samples)}
    file = folder / f"{name}.npz"
    predictions = np.full((part.divisions, part.seeds, len(samples)), -1, dtype=np.int8)
    if file.exists():
        with np.load(file) as stored:
            predictions = stored["answers"]
    material = RunInputs(pixels=plan.pixels, splits=plan.splits, device=plan.device)
    runs = sorted(plan.study.list_runs(), key=lambda spec: (spec.seed, spec.split_seed, spec.fold))
    for number, spec in enumerate(runs):
        tested = [rows[sample] for sample in _list_test_samples(spec, material)]
        if (predictions[spec.split_seed, spec.seed, tested] >= 0).all():
            continue
        result, _ = execute_run(spec, material, on_epochs=lambda _: None)
        for prediction in result.predictions:
            predictions[spec.split_seed, spec.seed, rows[prediction.id]] = prediction.predicted_class
        if number % 20 == 19 or number == len(runs) - 1:
            _save(file, predictions, plan.pixels.table.samples)
            right = predictions == np.array([sample.label for sample in samples])
            print(f"{name} {number + 1}/{len(runs)} {right[predictions >= 0].mean():.3f}", flush=True)


def _list_test_samples(spec: RunSpec, material: RunInputs) -> list[str]:
    parts, _ = material.get_split(spec)
    return [material.pixels.table.samples[row].id for row in parts.test]


def _save(file: Path, predictions: NDArray[np.int8], samples: tuple[Sample, ...]) -> None:
    temporary = file.with_suffix(".part.npz")
    np.savez_compressed(
        temporary,
        answers=predictions,
        truths=np.array([sample.label for sample in samples], dtype=np.int8),
        subjects=np.array([sample.subject for sample in samples]),
    )
    temporary.replace(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
