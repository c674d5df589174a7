"""Tests of checks: runs that evaluate an arm's trained network or train it with another loss."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from datasets.corrupt import corrupt
from datasets.corruptions import CORRUPTIONS, STRENGTHS
from harness.data.loading import DataRequest
from harness.planning.plan import StudyPlan, plan_study
from harness.runs.claim_checks import MIN_IMAGES
from harness.runs.run import execute_run
from harness.runs.run_inputs import RunInputs
from harness.training.evaluation import predict
from studies.metrics import aggregate_by_clip, group_by_condition
from tests.harness.tiny import Run, request

pytestmark = pytest.mark.usefixtures("brief_latency")

CPU = torch.device("cpu")
OPTIONS = (
    "--dataset",
    "casme2",
    "--preset",
    "quick",
    "--epochs",
    "1",
    "--image-size",
    "32",
    "--width",
    "0.125",
)


@pytest.fixture
def plan(tree: Path) -> StudyPlan:
    return plan_study(request(tree, protocols=("subject",), checks=True))


def test_study_has_checks_for_its_arms_and_protocols(tree: Path) -> None:
    study_request = request(
        tree, only=("vgg16", "proposed"), protocols=("frame", "subject"), seeds=2, checks=True
    )
    runs = plan_study(study_request).study.list_runs()
    assert sum(run.variant == "none" for run in runs) == 8
    assert sum(run.variant == "robustness" for run in runs) == 8, "every arm of every cell"
    assert [(r.architecture.name, r.protocol, r.seed) for r in runs if r.variant == "latency"] == [
        ("vgg16", "frame", 0),
        ("proposed", "frame", 0),
    ]
    plain = [run for run in runs if run.variant == "cross-entropy"]
    assert {run.architecture.name for run in plain} == {"proposed"}
    assert {(run.training.gamma, run.training.class_weights) for run in plain} == {(0.0, "none")}
    assert len(plain) == 4
    assert len({run.key for run in runs}) == len(runs)


def test_motion_is_not_turned_or_darkened_and_no_face_is_searched_for(tree: Path) -> None:
    data = DataRequest(dataset="casme2", root=tree, representation="flow")
    study = plan_study(request(tree, data=data, protocols=("subject",), checks=True)).study
    assert study.checks == ("cross-entropy",)


def test_robustness_is_the_trained_network_on_the_changed_test(plan: StudyPlan) -> None:
    arm, check = (next(r for r in plan.study.list_runs() if r.variant == c) for c in ("none", "robustness"))
    assert check.base_run == arm
    material = RunInputs(pixels=plan.pixels, splits=plan.splits, device=CPU)
    base, weights = execute_run(arm, material, on_epochs=lambda _: None)
    events: list[object] = []
    result, _ = execute_run(check, replace(material, weights=weights), on_epochs=events.append)
    assert events == [], "nothing is trained"
    groups = group_by_condition(result.predictions)
    assert list(groups) == [f"{kind} {strength}" for kind in CORRUPTIONS for strength in STRENGTHS]
    clips = {prediction.id for prediction in aggregate_by_clip(base.predictions)}
    assert all({prediction.id for prediction in members} == clips for members in groups.values())

    (split,) = plan.splits
    images = corrupt(
        torch.from_numpy(plan.pixels.images[list(split.test)]), "noise", strength=3, seed=arm.seed
    )
    from architectures.network import build_network

    network = build_network(arm.architecture, num_classes=6).to(memory_format=torch.channels_last)
    network.load_state_dict(weights)
    samples = [plan.pixels.table.samples[row] for row in split.test]
    by_hand = aggregate_by_clip(predict(network, images, samples=samples))
    assert [p.probabilities for p in groups["noise 3"]] == [p.probabilities for p in by_hand]


@pytest.mark.slow
def test_latency_is_timed_by_image_for_face_and_network(plan: StudyPlan) -> None:
    arm, check = (next(r for r in plan.study.list_runs() if r.variant == c) for c in ("none", "latency"))
    material = RunInputs(pixels=plan.pixels, splits=plan.splits, device=CPU)
    _, weights = execute_run(arm, material, on_epochs=lambda _: None)
    result, _ = execute_run(check, replace(material, weights=weights), on_epochs=lambda _: None)
    assert [timing.phase for timing in result.timings] == ["face", "network"]
    assert {len(timing.milliseconds) for timing in result.timings} == {MIN_IMAGES}
    assert all(ms > 0 for timing in result.timings for ms in timing.milliseconds)
    assert result.predictions == ()


def _count_reused(output: str) -> int:
    """Return the number of cells reported as reused, without the plan's own count."""
    return sum("reused" in line for line in output.splitlines() if not line.startswith("plan:"))


@pytest.mark.slow
def test_only_latencies_of_another_device_are_measured_again(tree: Path, harness: Run) -> None:
    args = ("compare", "--root", tree, *OPTIONS, "--only", "proposed", "--checks", "--protocol", "subject")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert harness(*args)[0] == 0
        code, _, again = harness(*args)
        assert (code, _count_reused(again)) == (0, 4)
        torch.set_num_threads(2)
        code, _, other_device = harness(*args)
        assert (code, _count_reused(other_device)) == (0, 3)
        assert "done: face" in other_device
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_checks_reach_the_report_and_mlflow(tree: Path, harness: Run) -> None:
    args = (
        "compare",
        "--root",
        tree,
        *OPTIONS,
        "--only",
        "vgg16-bn-gap+cbam,vgg16+cbam+residual",
        "--checks",
        "--protocol",
        "subject",
    )
    code, _, err = harness(*args)
    assert code == 0, err
    assert "over 18 corruption conditions" in err
    assert "ms, network" in err
    (report,) = Path("results").glob("*/report.md")
    text = report.read_text()
    for title in (
        "Accuracy on corrupted test images",
        "Accuracy by corruption strength under subject",
        "focal loss with class weights and cross-entropy",
        "Gradient norm of the first block over that of the last, with and without skips",
        "Milliseconds to classify one image at 32 px",
    ):
        assert title in text
    for file in report.parent.glob("figures/*robustness*.png"):
        assert file.stat().st_size > 5_000
    tables = [path for path in Path("mlruns").rglob("predictions.csv") if "noise 2" in path.read_text()]
    assert len(tables) == 2, "one per arm"
    with tables[0].open(newline="") as table:
        assert {row["condition"] for row in csv.DictReader(table)} >= {"noise 2", "blur 1"}
    code, out, _ = harness("report", "--out", "again")
    assert code == 0
    assert Path(out.strip()).read_text() == text
    # A check is no network to predict with.
    code, out, _ = harness(*args, "--dry-run")
    key = next(line.split()[0] for line in out.splitlines() if "robustness" in line)
    code, _, err = harness("predict", key, next(tree.rglob("*.jpg")))
    assert code == 2
    assert re.search(r"is the robustness of vgg16\S+ and has no network of its own", err)


@pytest.mark.slow
def test_check_of_a_failed_network_fails_with_its_reason(tree: Path, harness: Run) -> None:
    net = Path("net.py")
    net.write_text(
        "import torch\nfrom torch import nn\n\n\n"
        "class Broken(nn.Module):\n"
        "    def __init__(self, classes):\n        super().__init__()\n"
        "        self.line = nn.Linear(3, classes)\n\n"
        "    def forward(self, x):\n"
        "        if self.training:\n            raise RuntimeError('no')\n"
        "        return self.line(x.mean((2, 3)))\n\n\n"
        "def broken(classes):\n    return Broken(classes)\n"
    )
    code, out, _ = harness(
        "compare",
        "--root",
        tree,
        *OPTIONS,
        "--only",
        "proposed",
        "--architecture",
        "net.py:broken",
        "--checks",
    )
    assert code == 1
    assert "failed  broken (frame): RuntimeError: no" in out
    assert (
        "failed  broken (robustness) (frame): RuntimeError: broken · frame · seed 0 has not finished" in out
    )
