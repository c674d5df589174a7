"""Tests of the order in which cells start, with an executor that records them and ends them in turn."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from harness.planning.plan import plan_study
from harness.progress import Event
from harness.scheduling.cell import CellContext, CellOutcome, LockedElsewhere, Success
from harness.scheduling.cell_locks import CellLocks
from harness.scheduling.executors import order_cells
from harness.scheduling.scheduler import MAX_ATTEMPTS, WorkerDeath, run_cells
from harness.tracking.tracker import Tracker
from studies.results import Failure
from studies.spec import RunSpec
from tests.harness.tiny import request
from tests.harness.tracking.test_tracker import STUDY


class Noted:
    """An executor that runs nothing.

    Every cell ends as `ends` says, by default with a failure, in the order in which the cells were started.
    """

    def __init__(
        self, slots: int, ends: dict[str, list[LockedElsewhere | WorkerDeath]] | None = None
    ) -> None:
        self.slots, self.ends = slots, ends or {}
        self.running: list[RunSpec] = []
        self.said: list[str] = []

    def start(self, spec: RunSpec) -> None:
        self.running.append(spec)
        self.said.append(f"+{spec.name}")
        assert len(self.running) <= self.slots

    def poll(self) -> Sequence[tuple[RunSpec, CellOutcome | WorkerDeath]]:
        spec = self.running.pop(0)
        self.said.append(f"-{spec.name}")
        left = self.ends.get(spec.name)
        return [(spec, left.pop(0) if left else Failure(spec=spec, reason="as it was to be"))]


@pytest.fixture
def desk(tmp_path: Path) -> CellContext:
    ledger = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    told: list[Event] = []
    return CellContext(
        tracker=ledger,
        locks=CellLocks(ledger.uri),
        study_run_id=ledger.open_study(STUDY),
        device=torch.device("cpu"),
        emit=told.append,
    )


def cells() -> list[RunSpec]:
    """Return the runs of two networks, then of their robustness and latency checks."""
    from dataclasses import replace

    arms = [spec for spec in STUDY.list_runs() if spec.variant == "none" and spec.seed == STUDY.seeds[0]][:2]
    checks = [replace(arm, variant=control) for control in ("robustness", "latency") for arm in arms]
    return [*arms, *checks]


def test_cells_run_in_order_where_one_runs_at_a_time(desk: CellContext) -> None:
    executor = Noted(1)
    ended = run_cells(cells(), executor, desk)
    names = [spec.name for spec in cells()]
    assert executor.said == [f"{sign}{name}" for name in names for sign in "+-"]
    assert list(ended) == [spec.key for spec in cells()]


def test_what_reads_a_network_waits_for_it_and_times_are_taken_alone(desk: CellContext) -> None:
    executor = Noted(4)
    run_cells(cells(), executor, desk)
    first, second, *_ = (spec.name for spec in cells())
    assert executor.said[:2] == [f"+{first}", f"+{second}"], "no check beside them"
    begun = {name: executor.said.index(f"+{name}") for name in (spec.name for spec in cells())}
    over = {name: executor.said.index(f"-{name}") for name in begun}
    for arm in (first, second):
        assert begun[f"{arm} (robustness)"] > over[arm]
        alone = f"{arm} (latency)"
        assert over[alone] == begun[alone] + 1, "nothing begins or ends while it is timed"


def test_cells_keep_the_order_of_the_study_where_one_runs_at_a_time(tree: Path) -> None:
    plan = plan_study(request(tree, only=("shufflenetv2", "vgg16")))
    names = {slots: [spec.name for spec in order_cells(plan, Noted(slots))] for slots in (1, 2)}
    assert names == {1: ["shufflenetv2", "vgg16"], 2: ["vgg16", "shufflenetv2"]}


def test_a_cell_that_another_process_is_at_is_asked_for_again(desk: CellContext) -> None:
    first = cells()[0].name
    executor = Noted(1, {first: [LockedElsewhere(), LockedElsewhere()]})
    ended = run_cells(cells()[:2], executor, desk)
    assert executor.said.count(f"+{first}") == 3
    assert len(ended) == 2
    assert executor.said[2] == f"+{cells()[1].name}", "others are run meanwhile"


def test_a_cell_whose_worker_dies_is_gone_on_with_and_given_up_in_the_end(desk: CellContext) -> None:
    first = cells()[0].name
    executor = Noted(1, {first: [WorkerDeath(reason="gone")] * MAX_ATTEMPTS})
    ended = run_cells(cells()[:2], executor, desk)
    assert executor.said.count(f"+{first}") == MAX_ATTEMPTS
    outcome = ended[cells()[0].key]
    assert isinstance(outcome, Failure)
    assert not isinstance(outcome, Success)
    assert outcome.reason == f"gone, {MAX_ATTEMPTS} times"
    told = desk.tracker.collect_results(STUDY, parent=desk.study_run_id)
    assert [failure.reason for failure in told.failures] == [outcome.reason]
