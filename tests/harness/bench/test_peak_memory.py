import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from architectures.catalogue import get_architecture, with_width
from datasets.preprocessing.image_array import ImageArray
from datasets.spec import SampleTable
from harness.bench import peak_memory
from harness.bench.peak_memory import measure_peak_memory
from harness.bench.training_loops import Workload
from studies.spec import TrainingSpec


def test_device_without_a_memory_count_has_no_peak() -> None:
    table = SampleTable(dataset="made", frame_policy="all", classes=("joy", "fear"), samples=())
    workload = Workload(
        spec=with_width(get_architecture("proposed"), 1 / 16),
        training=TrainingSpec(),
        pixels=ImageArray(table=table, images=np.zeros((0, 3, 32, 32), np.uint8), fingerprint="f" * 64),
        steps=1,
        device=torch.device("mps"),
    )
    assert measure_peak_memory(workload) is None


def test_peak_of_a_process_includes_freed_memory() -> None:
    block = np.ones(32 << 20, np.uint8)
    peak = peak_memory._read_peak_resident()
    assert peak is not None
    assert peak > block.nbytes
    del block
    final_peak = peak_memory._read_peak_resident()
    assert final_peak is not None
    # The kernel sums the memory of threads with a delay, so the peak is exact up to some pages.
    assert final_peak > peak - (4 << 20)


def test_peak_is_unknown_on_a_system_without_both_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self: "Name: x")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory._read_peak_resident() is None
