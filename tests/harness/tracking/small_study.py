"""A small study and its finished runs, for the tests that need a store with runs."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import mlflow.artifacts

from architectures.catalogue import CATALOGUE
from datasets.spec import DatasetSpec, Leakage
from harness.tracking.tracker import Tracker
from studies.cost import Cost
from studies.results import DataSummary, Environment, Epoch, Prediction, RunResult
from studies.spec import RunSpec, TrainingSpec
from studies.study import Study

STUDY = Study(
    kind="comparison",
    design="",
    preset="quick",
    dataset=DatasetSpec(name="folder", frame_policy="all", image_size=32),
    fingerprint="f" * 64,
    protocols=("kfold",),
    folds=(2,),
    seeds=(0, 1),
    training=TrainingSpec(),
    arms=(CATALOGUE["proposed"], CATALOGUE["vgg16"]),
)
OTHER = replace(STUDY, kind="ablation", design="ladder")
"""Another study with the same runs."""


def result(spec: RunSpec) -> RunResult:
    """Return a result with two epochs and two predictions; the second prediction depends on the seed."""
    epochs = tuple(
        Epoch(
            number=n,
            train_loss=1 / n,
            train_accuracy=0.5,
            validation_loss=2 / n,
            validation_accuracy=0.25 * n,
            seconds=1.0,
        )
        for n in (1, 2)
    )
    right = 0.9 if spec.seed else 0.2
    return RunResult(
        spec=spec,
        data=DataSummary(
            classes=("happiness", "other"),
            train=(7, 7),
            validation=(2, 2),
            test=(1, 1),
            leakage=Leakage(clip=0.0, subject=0.0),
            warnings=(),
            notes=(),
            anomalies=(),
        ),
        predictions=(
            Prediction(id="a/0", subject="s", clip="a", truth=0, probabilities=(0.75, 0.25)),
            Prediction(id="b/0", subject="s", clip="b", truth=1, probabilities=(1 - right, right)),
        ),
        history=epochs,
        best_epoch=2,
        cost=Cost(
            parameters=9,
            multiply_adds=8,
            activations=7,
            attention=0,
            additions=0,
            norm=0,
            pooling=0,
            uncounted_ops=(),
        ),
        environment=Environment(device="cpu", platform="Linux", threads=1, versions=(), commit="abc"),
        seconds=1.5,
    )


def log_finished_runs(
    tracker: Tracker, specs: Sequence[RunSpec], *, parent: str, folder: Path
) -> dict[str, str]:
    """Log these runs as finished, each with a figure; return their ids by key."""
    ids = {}
    for spec in specs:
        ids[spec.key] = tracker.start_run(spec, parent=parent)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "curves.png").write_bytes(b"png")
        tracker.finish_run(ids[spec.key], result(spec), folder=folder)
    return ids


def delete_artifacts(tracker: Tracker, run_id: str) -> None:
    """Delete a run's artifacts but not its record."""
    path = mlflow.artifacts.download_artifacts(run_id=run_id, tracking_uri=tracker.uri)
    shutil.rmtree(path)
