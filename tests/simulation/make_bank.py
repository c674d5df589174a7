"""Train one small network many times: `python -m tests.simulation.make_bank OUT.npz [PROTOCOL ...]`.

Every training differs from the others in its seed alone, so that any two sets of them are identical arms.
The images are drawn: 70 people for the protocols `frame` and `subject` (5 divisions, 40 trainings each), 10
people for `loso` (40 trainings of each of 10 folds). About an hour on one core. A stopped run goes on where
it was; protocols may be trained by processes of their own, and the last call puts the parts together.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from datasets.synthetic.synthesize import SyntheticSpec, synthesize
from harness.data.reading import DataRequest
from harness.plan import Request, prepare
from harness.training.run import Material, execute
from studies.spec import RunSpec

SEEDS, DIVISIONS = 40, 5

PEOPLE = {"many": (70, 420), "few": (10, 120)}
"""Subjects and clips of the drawn sets; the six classes are balanced within each subject."""

PROTOCOLS = {
    "frame": ("many", DIVISIONS, 7, 32),
    "subject": ("many", DIVISIONS, 7, 32),
    "loso": ("few", 1, 12, 16),
}
"""The drawn set, and the numbers of divisions, epochs and images a step."""


def main(out: Path, protocols: Sequence[str]) -> None:
    """Fill the bank at `out`, or only the parts of some protocols."""
    torch.set_num_threads(1)
    folder = out.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for protocol in protocols or PROTOCOLS:
        _train(protocol, folder)
    if protocols:
        return
    arrays = {}
    for protocol in PROTOCOLS:
        with np.load(folder / f"{protocol}.npz") as stored:
            arrays |= {f"{protocol}_{name}": stored[name] for name in stored.files}
    np.savez_compressed(out, **arrays)


def _train(protocol: str, folder: Path) -> None:
    people, divisions, epochs, batch = PROTOCOLS[protocol]
    subjects, clips = PEOPLE[people]
    root = folder / people
    if not root.exists():
        spec = SyntheticSpec(
            layout="casme2",
            subjects=subjects,
            clips=clips,
            frames=3,
            balance=True,
            identity=0.3,
            amplitude=2.0,
        )
        synthesize(spec, root)
    plan = prepare(
        Request(
            kind="comparison",
            data=DataRequest(dataset="casme2", root=root, frames="apex"),
            only=("proposed",),
            protocols=(protocol,),
            preset="quick",
            image_size=32,
            width=0.125,
            epochs=epochs,
            batch=batch,
            seeds=SEEDS,
            splits=divisions,
        )
    )
    samples = plan.pixels.table.samples
    rows = {sample.id: row for row, sample in enumerate(samples)}
    file = folder / f"{protocol}.npz"
    answers = np.full((divisions, SEEDS, len(samples)), -1, dtype=np.int8)
    if file.exists():
        with np.load(file) as stored:
            answers = stored["answers"]
    material = Material(pixels=plan.pixels, device=plan.device)
    runs = sorted(plan.study.runs(), key=lambda spec: (spec.seed, spec.split_seed, spec.fold))
    for number, spec in enumerate(runs):
        tested = [rows[sample] for sample in _tested(spec, material)]
        if (answers[spec.split_seed, spec.seed, tested] >= 0).all():
            continue
        result, _ = execute(spec, material, on_epochs=lambda _: None)
        for prediction in result.predictions:
            answers[spec.split_seed, spec.seed, rows[prediction.id]] = prediction.answer
        if number % 20 == 19 or number == len(runs) - 1:
            _save(file, answers, plan.pixels.table.samples)
            right = answers == np.array([sample.label for sample in samples])
            print(f"{protocol} {number + 1}/{len(runs)} {right[answers >= 0].mean():.3f}", flush=True)


def _tested(spec: RunSpec, material: Material) -> list[str]:
    parts, _ = material.divided(spec)
    return [material.pixels.table.samples[row].id for row in parts.test]


def _save(file: Path, answers: np.ndarray, samples: tuple) -> None:
    temporary = file.with_suffix(".part.npz")
    np.savez_compressed(
        temporary,
        answers=answers,
        truths=np.array([sample.label for sample in samples], dtype=np.int8),
        subjects=np.array([sample.subject for sample in samples]),
    )
    temporary.replace(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
