"""A result with unusual names and numbers, for the tests that write results to files and read them."""

from dataclasses import replace
from typing import Any

from architectures.catalogue import CATALOGUE
from datasets.leakage.audit import Finding
from datasets.spec import Anomaly, DatasetSpec, Leakage
from studies.cost import Cost
from studies.results import DataSummary, Environment, Epoch, Prediction, RunResult
from studies.spec import RunSpec, TrainingSpec

SPEC = RunSpec(
    dataset=DatasetSpec(name="folder", frame_policy="all", image_size=32),
    fingerprint="f" * 64,
    protocol="subject",
    fold=1,
    folds=3,
    architecture=CATALOGUE["proposed"],
    training=TrainingSpec(),
    seed=4,
)
ENVIRONMENT = Environment(
    device="cpu", platform="Linux", threads=1, versions=(("torch", "2.6.0"), ("numpy", "2.0")), commit="abc"
)
UNUSUAL_NAME = 'one, "two"; three\nfour'
"""A name with every character that a CSV file must quote."""


def make_predictions(clip: str, truth: int, *second: float, condition: str = "") -> tuple[Prediction, ...]:
    """Return predictions of a clip's frames from the probabilities of the second of two classes."""
    return tuple(
        Prediction(
            id=f"{clip}/{frame}",
            subject=UNUSUAL_NAME,
            clip=clip,
            truth=truth,
            probabilities=(1 - p, p),
            condition=condition,
        )
        for frame, p in enumerate(second)
    )


PREDICTIONS = (
    *make_predictions(f"{UNUSUAL_NAME}/a", 0, 0.4, 0.9),
    *make_predictions("b", 1, 1 / 3 + 0.4, 0.1 + 0.7),
)
"""Three of four frames and one of two clips are correct; clips have one predicted class, frames two."""


def result(predictions: tuple[Prediction, ...] = PREDICTIONS, **changes: Any) -> RunResult:
    data = DataSummary(
        classes=("happy, or so", 'the "other"'),
        train=(7, 8),
        validation=(2, 2),
        test=(2, 2),
        leakage=Leakage(clip=0.25, subject=0.5),
        warnings=("few, very few",),
        notes=(),
        anomalies=(Anomaly(code="c", location=UNUSUAL_NAME, description="w", action="a"),),
        findings=(
            Finding(code="clip", severity="error", share=0.5, count=2, examples=(UNUSUAL_NAME,), message="t"),
        ),
        synthetic=True,
    )
    figures = {"train_loss": 0.1 + 0.2, "train_accuracy": 1 / 3, "validation_loss": 1e-17}
    run_result = RunResult(
        spec=SPEC,
        data=data,
        predictions=predictions,
        history=(
            Epoch(number=1, **figures, validation_accuracy=0.5, seconds=2.0, gradient_ratio=0.3),
            Epoch(number=2, **figures, validation_accuracy=0.6, seconds=2.0),
        ),
        best_epoch=2,
        cost=Cost(
            parameters=524_288,
            multiply_adds=1_000_000,
            activations=5,
            attention=4,
            additions=3,
            norm=2,
            pooling=1,
            uncounted_ops=(("aten::exp", 2),),
        ),
        environment=ENVIRONMENT,
        seconds=6.25,
    )
    return replace(run_result, **changes)
