"""Tests of one run on real files: reproducible, complete, and without test samples in other parts."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from datasets.preprocessing.image_array import ImageArray
from harness.planning.plan import StudyPlan, plan_study
from harness.runs.run import execute_run
from harness.runs.run_inputs import RunInputs
from harness.training.checkpoint import Checkpoint
from studies.results import Epoch, RunResult
from tests.harness.tiny import request


@pytest.fixture
def plan(tree: Path) -> StudyPlan:
    return plan_study(
        request(tree, kind="ablation", design="ladder", protocols=("frame", "subject"), epochs=2, batch=16)
    )


def run(plan: StudyPlan, index: int) -> tuple[RunResult, ImageArray]:
    spec = plan.study.list_runs()[index]
    material = RunInputs(pixels=plan.pixels, splits=plan.splits, device=torch.device("cpu"))
    result, weights = execute_run(spec, material, on_epochs=lambda _: None)
    assert all(tensor.device.type == "cpu" for tensor in weights.values())
    return result, plan.pixels


def test_same_seed_gives_the_same_predictions_bit_for_bit(plan: StudyPlan) -> None:
    first, _ = run(plan, 4)
    second, _ = run(plan, 4)
    assert first.predictions == second.predictions
    assert [e.train_loss for e in first.history] == [e.train_loss for e in second.history]


def test_result_has_every_test_sample_with_its_truth(plan: StudyPlan) -> None:
    result, pixels = run(plan, 4)
    tested = [pixels.table.samples[i] for i in plan.splits[0].test]
    assert [(p.id, p.truth, p.clip) for p in result.predictions] == [(s.id, s.label, s.clip) for s in tested]
    assert all(sum(p.probabilities) == pytest.approx(1) for p in result.predictions)
    assert result.spec.architecture.name == "proposed"
    assert [e.number for e in result.history] == [1, 2]


def test_frame_split_leaks_and_the_subject_split_does_not(plan: StudyPlan) -> None:
    frame, _ = run(plan, 0)
    subject, _ = run(plan, 5)
    assert frame.data.leakage.subject == 1.0
    assert (subject.data.leakage.subject, subject.data.leakage.clip) == (0.0, 0.0)
    assert sum(frame.data.train) + sum(frame.data.validation) + sum(frame.data.test) == 72


@pytest.mark.slow
def test_interrupted_run_resumes_with_its_record(tree: Path, tmp_path: Path) -> None:
    plan = plan_study(request(tree, protocols=("subject",), epochs=4))
    spec = plan.study.list_runs()[0]
    material = RunInputs(pixels=plan.pixels, splits=plan.splits, device=torch.device("cpu"))
    numbers: list[int] = []

    def on_epochs(epochs: Sequence[Epoch]) -> None:
        numbers.extend(epoch.number for epoch in epochs)
        if numbers == [1, 2]:
            checkpoint.close()
            raise KeyboardInterrupt

    checkpoint = Checkpoint(tmp_path / "run", max_fraction=math.inf)
    with pytest.raises(KeyboardInterrupt):
        execute_run(spec, material, on_epochs=on_epochs, checkpoint=checkpoint, epoch_record=True)
    checkpoint = Checkpoint(tmp_path / "run", max_fraction=math.inf)
    resumed, _ = execute_run(spec, material, on_epochs=on_epochs, checkpoint=checkpoint, epoch_record=True)
    whole, _ = execute_run(spec, material, on_epochs=lambda _: None, epoch_record=True)
    assert numbers in ([1, 2, 1, 2, 3, 4], [1, 2, 1, 2, 3])
    assert resumed.epoch_classes == whole.epoch_classes
    assert len(resumed.epoch_classes) == len(resumed.history)
    assert resumed.predictions == whole.predictions
