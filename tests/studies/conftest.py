from dataclasses import replace

import pytest

from architectures.catalogue import get_architecture
from datasets.spec import Anomaly, DatasetSpec, Leakage
from studies.arms import build_ablation_arms
from studies.cost import Cost
from studies.results import DataSummary, Environment, Epoch, Prediction, RunResult
from studies.spec import RunSpec, TrainingSpec
from studies.study import Study


@pytest.fixture
def spec() -> RunSpec:
    return RunSpec(
        dataset=DatasetSpec(name="synthetic", frame_policy="paper", image_size=48),
        fingerprint="f" * 64,
        protocol="frame",
        fold=0,
        architecture=get_architecture("proposed"),
        training=TrainingSpec(),
        seed=0,
    )


@pytest.fixture
def study(spec: RunSpec) -> Study:
    return Study(
        kind="ablation",
        design="ladder",
        preset="quick",
        dataset=spec.dataset,
        fingerprint=spec.fingerprint,
        protocols=("frame", "subject"),
        seeds=(0, 1),
        training=replace(spec.training, epochs=3),
        arms=build_ablation_arms("ladder"),
    )


@pytest.fixture
def result(spec: RunSpec) -> RunResult:
    return RunResult(
        spec=spec,
        data=DataSummary(
            classes=("fear", "joy"),
            train=(7, 14),
            validation=(2, 4),
            test=(1, 2),
            leakage=Leakage(clip=0.5, subject=1.0),
            warnings=("rare",),
            notes=("read",),
            anomalies=(Anomaly(code="gap", location="sub16/EP01", description="ends early", action="kept"),),
        ),
        predictions=(Prediction(id="a/1", subject="a", clip="a/c", truth=1, probabilities=(0.25, 0.75)),),
        history=(
            Epoch(
                number=1,
                train_loss=1.5,
                train_accuracy=0.5,
                validation_loss=1.25,
                validation_accuracy=0.25,
                seconds=2.0,
            ),
        ),
        best_epoch=1,
        cost=Cost(
            parameters=10,
            multiply_adds=20,
            activations=3,
            attention=4,
            additions=5,
            norm=6,
            pooling=7,
            uncounted_ops=(("aten::exp", 2),),
        ),
        environment=Environment(
            device="cpu", platform="Linux", threads=2, versions=(("torch", "2.6"),), commit="abc"
        ),
        seconds=2.5,
    )
