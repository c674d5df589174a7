"""The disk that a study needs, by the rule for weights and the cells to run; refused if it is not there."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.disk import DiskNeed, check_room, disk_need
from harness.plan import prepare
from harness.running.executors import Running
from harness.tracking.ledger import Ledger
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
"""Needs 400 TB, and takes no memory."""


@pytest.mark.parametrize(("rule", "checks", "times"), [("all", (), 8), ("best", (), 3), ("none", (), 0)])
def test_weights_are_counted_by_their_rule(
    tree: Path, tmp_path: Path, rule: str, checks: tuple[str, ...], times: int
) -> None:
    """Four divisions under two protocols: best keeps one under each, while another cell's are there too."""
    plan = prepare(request(tree, protocols=("frame", "subject"), splits=4))
    ledger = Ledger(f"sqlite:///{tmp_path / 'mlflow.db'}")
    cells = plan.study.runs()
    need = disk_need(plan, cells, ledger=ledger, running=Running(keep_weights=rule, jobs=1))
    one = need.checkpoints // 8
    assert one > 100_000
    assert need.weights == times * one
    assert (need.artifacts, need.cache) == (tmp_path / "mlruns", tmp_path / "cache")
    three = disk_need(plan, cells, ledger=ledger, running=Running(keep_weights=rule, jobs=3))
    assert three.checkpoints == 3 * need.checkpoints
    left = disk_need(plan, (), ledger=ledger, running=Running(keep_weights=rule, jobs=1))
    assert (left.weights, left.checkpoints) == (0, 0)
    # Those that robustness reads are there until it has run.
    checked = replace(plan, study=replace(plan.study, checks=("robustness",)))
    read = disk_need(checked, checked.study.runs(), ledger=ledger, running=Running(keep_weights=rule, jobs=1))
    assert read.weights == max(times, 1) * one


def test_the_places_of_one_disk_are_added_and_checkpoints_of_studies_are_not(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    third = DiskNeed(weights=free // 3, checkpoints=free // 3, artifacts=tmp_path / "a", cache=tmp_path / "b")
    check_room([third])
    with pytest.raises(ValueError, match=r"they need .* free: add --keep-weights best or none"):
        check_room([third, third, third])
    check_room([replace(third, weights=0), replace(third, weights=0), replace(third, weights=0)])
    check_room([replace(third, weights=9 * free, artifacts=None)])


def test_a_disk_that_is_too_small_is_told_before_training(tree: Path, tmp_path: Path, harness: Run) -> None:
    (tmp_path / "net.py").write_text(HUGE)
    args = ("compare", "--dataset", "casme2", "--root", tree, "--only", "proposed", "--preset", "quick")
    args = (*args, "--architecture", f"{tmp_path / 'net.py'}:huge", "--image-size", "32", "--epochs", "1")
    status, out, err = harness(*args, "--dry-run", "--json")
    assert status == 0
    disk = json.loads(out)["disk"]
    assert disk["weights_bytes"] > 4e14
    assert 0 < disk["weights_free_bytes"] < 4e14
    assert "disk: 400,000.0 GB of weights in" in err
    assert "disk: 400,000.0 GB of weights in" in harness(*args, "--dry-run")[1]
    status, _, err = harness(*args)
    assert status == 2
    assert "weights and checkpoints must fit the disk; they need" in err
    assert "add --keep-weights best or none" in err
    assert not (tmp_path / "mlruns").exists()
