"""Tests of the execution options."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.planning.execution import ExecutionOptions, choose_slots, describe_execution
from harness.planning.plan import plan_study
from tests.harness.tiny import request


def test_long_cpu_study_uses_its_cores_by_default(tree: Path) -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        long, short = (plan_study(request(tree, seeds=2, epochs=epochs)) for epochs in (10**5, 1))
        assert choose_slots(long, ExecutionOptions()) == 2
        assert choose_slots(long, ExecutionOptions(jobs=1)) == 1
        assert choose_slots(short, ExecutionOptions()) == 1
        torch.set_num_threads(1)
        assert choose_slots(long, ExecutionOptions()) == 1
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (ExecutionOptions(jobs=1), "one at a time"),
        (ExecutionOptions(jobs=3), "3 at once"),
        (ExecutionOptions(executor="ray"), "on the Ray cluster at auto"),
        (
            ExecutionOptions(executor="ray", ray_address="host:6379", jobs=2),
            "on the Ray cluster at host:6379, at most 2 at once",
        ),
    ],
)
def test_plan_says_where_cells_run_and_how_many_at_once(
    tree: Path, options: ExecutionOptions, text: str
) -> None:
    assert describe_execution(plan_study(request(tree)), options) == text
