"""Tests of the disk space that a study needs, by `--keep-weights` and pending cells, and of its rejection."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.planning.disk_space import DiskNeed, check_disk_space, estimate_disk_need
from harness.planning.execution import ExecutionOptions
from harness.planning.plan import plan_study
from harness.tracking.tracker import Tracker
from tests.error_codes import raises_code
from tests.harness.tiny import Run, request

HUGE = """
import torch
from torch import nn

class Huge(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.last = nn.Linear(3, classes)
        self.unused = nn.Parameter(torch.empty(10**14, device="meta"))

    def forward(self, x):
        return self.last(x.mean((2, 3)))

def huge(classes):
    return Huge(classes)
"""
"""A network that would need 400 TB on disk and uses no memory."""


@pytest.mark.parametrize(("rule", "checks", "times"), [("all", (), 8), ("best", (), 3), ("none", (), 0)])
def test_weight_bytes_follow_the_rule(
    tree: Path, tmp_path: Path, rule: str, checks: tuple[str, ...], times: int
) -> None:
    """Four splits under two protocols: `best` keeps one run per protocol, plus the current cell's weights."""
    plan = plan_study(request(tree, protocols=("frame", "subject"), splits=4))
    tracker = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    cells = plan.study.list_runs()
    need = estimate_disk_need(
        plan, cells, tracker=tracker, execution=ExecutionOptions(keep_weights=rule, jobs=1)
    )
    one = need.checkpoint_bytes // 8
    assert one > 100_000
    assert need.weight_bytes == times * one
    assert (need.artifact_folder, need.cache_folder) == (tmp_path / "mlruns", tmp_path / "cache")
    three = estimate_disk_need(
        plan, cells, tracker=tracker, execution=ExecutionOptions(keep_weights=rule, jobs=3)
    )
    assert three.checkpoint_bytes == 3 * need.checkpoint_bytes
    left = estimate_disk_need(
        plan, (), tracker=tracker, execution=ExecutionOptions(keep_weights=rule, jobs=1)
    )
    assert (left.weight_bytes, left.checkpoint_bytes) == (0, 0)
    # Weights that robustness reads are kept until it has run.
    checked = replace(plan, study=replace(plan.study, checks=("robustness",)))
    read = estimate_disk_need(
        checked,
        checked.study.list_runs(),
        tracker=tracker,
        execution=ExecutionOptions(keep_weights=rule, jobs=1),
    )
    assert read.weight_bytes == max(times, 1) * one


def test_folders_of_one_disk_are_added_without_checkpoints(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    third = DiskNeed(
        weight_bytes=free // 3,
        checkpoint_bytes=free // 3,
        artifact_folder=tmp_path / "a",
        cache_folder=tmp_path / "b",
    )
    check_disk_space([third])
    with raises_code("disk-space.too-small", "--keep-weights"):
        check_disk_space([third, third, third])
    check_disk_space(
        [replace(third, weight_bytes=0), replace(third, weight_bytes=0), replace(third, weight_bytes=0)]
    )
    check_disk_space([replace(third, weight_bytes=9 * free, artifact_folder=None)])


@pytest.mark.slow
def test_too_small_disk_is_an_error_before_training(tree: Path, tmp_path: Path, harness: Run) -> None:
    (tmp_path / "net.py").write_text(HUGE)
    args: tuple[object, ...] = (
        "compare",
        "--dataset",
        "casme2",
        "--root",
        tree,
        "--only",
        "vgg16-bn-gap",
        "--preset",
        "quick",
    )
    args = (*args, "--image-size", "32", "--width", "0.125", "--epochs", "1")
    args = (*args, "--architecture", f"{tmp_path / 'net.py'}:huge")
    status, out, err = harness(*args, "--dry-run", "--json")
    assert status == 0
    disk = json.loads(out)["disk"]
    assert disk["weights_bytes"] > 4e14
    assert 0 < disk["weights_free_bytes"] < 4e14
    assert "  disk    400,000.0 GB of weights in" in err
    assert "disk: 400,000.0 GB of weights in" in harness(*args, "--dry-run")[1]
    status, _, err = harness(*args)
    assert status == 2
    assert "weights and checkpoints must fit on the disk; they need" in err
    assert "add --keep-weights best or none" in err
    assert not (tmp_path / "mlruns").exists()
