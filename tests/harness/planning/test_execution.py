"""Tests of the execution options."""

from __future__ import annotations

from pathlib import Path

import torch

from harness.planning.execution import ExecutionOptions, choose_slots
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
