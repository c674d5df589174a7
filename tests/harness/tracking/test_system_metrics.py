"""Tests of sampling the machine: a short run has a sample, an error does not reach the run."""

import threading

import pytest

from harness.tracking.mlflow_store import create_system_monitor
from harness.tracking.system_metrics import read_sample, repeat_in_background


def test_a_context_that_is_shorter_than_the_interval_has_one_call() -> None:
    steps: list[int] = []
    with repeat_in_background(steps.append, interval=60):
        pass
    assert steps == [0]


def test_calls_have_increasing_steps() -> None:
    steps, third = list[int](), threading.Event()

    def note(step: int) -> None:
        steps.append(step)
        if step == 2:
            third.set()

    with repeat_in_background(note, interval=0.001):
        assert third.wait(20)
    assert steps == list(range(len(steps)))


def test_an_error_ends_the_calls_and_not_the_context() -> None:
    steps: list[int] = []

    def fail(step: int) -> None:
        steps.append(step)
        raise OSError("no sensor")

    with repeat_in_background(fail, interval=0.001):
        pass
    assert steps == [0]


def test_a_sample_has_mlflows_names() -> None:
    pytest.importorskip("psutil", reason="psutil is not installed")
    monitor = create_system_monitor()
    first, second = read_sample(monitor), read_sample(monitor)
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= first.keys()
    assert first.keys() == second.keys()
