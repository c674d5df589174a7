"""Tests of the order in which cells start, with an executor that records them and ends them in turn."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from harness.planning.plan import plan_study
from harness.progress import Event
from harness.scheduling.cell import CellContext, CellOutcome, LockedElsewhere
from harness.scheduling.cell_locks import CellLocks
from harness.scheduling.executors import order_cells
from harness.scheduling.scheduler import MAX_ATTEMPTS, WorkerDeath, run_cells
from harness.tracking.tracker import Tracker
from studies.results import Failure
from studies.spec import RunSpec
from tests.harness.tiny import request
from tests.harness.tracking.small_study import STUDY


class RecordingExecutor:
    """An executor that runs nothing.

    Every cell ends with its entry in `ends`, by default a failure, in the order in which the cells started.
    """

    def __init__(
        self, slots: int, ends: dict[str, list[LockedElsewhere | WorkerDeath]] | None = None
    ) -> None:
        self.slots, self.ends = slots, ends or {}
        self.running: list[RunSpec] = []
        self.log: list[str] = []

    def start(self, spec: RunSpec) -> None:
        self.running.append(spec)
        self.log.append(f"+{spec.name}")
        assert len(self.running) <= self.slots

    def poll(self) -> Sequence[tuple[RunSpec, CellOutcome | WorkerDeath]]:
        spec = self.running.pop(0)
        self.log.append(f"-{spec.name}")
        left = self.ends.get(spec.name)
        return [(spec, left.pop(0) if left else Failure(spec=spec, reason="as it was to be"))]


@pytest.fixture
def context(tmp_path: Path) -> CellContext:
    tracker = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    events: list[Event] = []
    return CellContext(
        tracker=tracker,
        locks=CellLocks(tracker.store.uri),
        study_run_id=tracker.open_study(STUDY),
        device=torch.device("cpu"),
        emit=events.append,
    )


def cells() -> list[RunSpec]:
    """Return the runs of two networks, then of their robustness and latency checks."""
    from dataclasses import replace

    arms = [spec for spec in STUDY.list_runs() if spec.variant == "none" and spec.seed == STUDY.seeds[0]][:2]
    checks = [replace(arm, variant=control) for control in ("robustness", "latency") for arm in arms]
    return [*arms, *checks]


def test_sequential_cells_run_in_order(context: CellContext) -> None:
    executor = RecordingExecutor(1)
    outcomes = run_cells(cells(), executor, context)
    names = [spec.name for spec in cells()]
    assert executor.log == [f"{sign}{name}" for name in names for sign in "+-"]
    assert list(outcomes) == [spec.key for spec in cells()]


def test_checks_wait_for_their_network_and_latency_has_no_neighbour(context: CellContext) -> None:
    executor = RecordingExecutor(4)
    run_cells(cells(), executor, context)
    first, second, *_ = (spec.name for spec in cells())
    assert executor.log[:2] == [f"+{first}", f"+{second}"], "no check runs in parallel with them"
    starts = {name: executor.log.index(f"+{name}") for name in (spec.name for spec in cells())}
    ends = {name: executor.log.index(f"-{name}") for name in starts}
    for arm in (first, second):
        assert starts[f"{arm} (robustness)"] > ends[arm]
        latency = f"{arm} (latency)"
        assert ends[latency] == starts[latency] + 1, "no cell starts or ends during a latency run"


def test_sequential_cells_keep_the_order_of_the_study(tree: Path) -> None:
    plan = plan_study(request(tree, only=("shufflenetv2", "vgg16")))
    names = {slots: [spec.name for spec in order_cells(plan, RecordingExecutor(slots))] for slots in (1, 2)}
    assert names == {1: ["shufflenetv2", "vgg16"], 2: ["vgg16", "shufflenetv2"]}


@pytest.mark.slow
def test_locked_cell_is_retried(context: CellContext) -> None:
    first = cells()[0].name
    executor = RecordingExecutor(1, {first: [LockedElsewhere(), LockedElsewhere()]})
    outcomes = run_cells(cells()[:2], executor, context)
    assert executor.log.count(f"+{first}") == 3
    assert len(outcomes) == 2
    assert executor.log[2] == f"+{cells()[1].name}", "others run in between"


def test_cell_with_dying_worker_is_retried_and_then_fails(context: CellContext) -> None:
    first = cells()[0].name
    executor = RecordingExecutor(1, {first: [WorkerDeath(reason="gone")] * MAX_ATTEMPTS})
    outcomes = run_cells(cells()[:2], executor, context)
    assert executor.log.count(f"+{first}") == MAX_ATTEMPTS
    outcome = outcomes[cells()[0].key]
    assert isinstance(outcome, Failure)
    assert outcome.reason == f"gone, {MAX_ATTEMPTS} times"
    study_result = context.tracker.reader.collect_results(STUDY, parent=context.study_run_id)
    assert [failure.reason for failure in study_result.failures] == [outcome.reason]
