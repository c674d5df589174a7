"""The scheduler: run each cell once, and an evaluation-only cell after the cell that trains its network.

An executor runs the cells: this process (`harness.scheduling.study_runner`), several processes
(`harness.scheduling.process_executor`), or a Ray cluster (`harness.scheduling.ray_executor`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.progress import Event
from harness.run_names import format_run_name
from harness.scheduling.cell import CellContext, CellOutcome, LockedElsewhere, Success, record_failure
from studies.results import Failure
from studies.spec import RunSpec

LOCK_POLL_SECONDS = 1.0
"""Seconds between two attempts to start a cell that another process has locked."""

MAX_ATTEMPTS = 3
"""Attempts before a cell whose worker keeps dying counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDeath:
    """The outcome of a cell whose worker died, with the reason."""

    reason: str


class Executor(Protocol):
    """Runs up to `slots` cells in parallel."""

    @property
    def slots(self) -> int:
        """The number of cells that run in parallel."""

    def start(self, spec: RunSpec) -> None:
        """Start a cell; the caller ensures that a slot is free."""

    def poll(self) -> Sequence[tuple[RunSpec, CellOutcome | WorkerDeath]]:
        """Wait a while for cells to end and return them with their outcomes; may return none."""


def run_cells(
    cells: Sequence[RunSpec],
    executor: Executor,
    context: CellContext,
    *,
    on_success: Callable[[RunSpec, Success], None] = lambda spec, success: None,
) -> dict[str, Success | Failure]:
    """Run `cells` and return their outcomes by key.

    Cells start in their order, except those that must wait for another cell. `on_success` is called with
    each cell that has a result.

    Raises:
        StudyAborted: results can no longer be written.
    """
    pending = {spec.key: spec for spec in cells}
    base_keys = {key: spec.base_run.key for key, spec in pending.items() if not spec.is_trained}
    running, outcomes = dict[str, RunSpec](), dict[str, Success | Failure]()
    retry_times, deaths = dict[str, float](), Counter[str]()
    while pending or running:
        for key in _select_next(pending, running, base_keys, retry_times, slots=executor.slots):
            running[key] = pending.pop(key)
            executor.start(running[key])
        if not running:
            time.sleep(LOCK_POLL_SECONDS / 4)
            continue
        for spec, outcome in executor.poll():
            key = spec.key
            del running[key]
            if isinstance(outcome, Success | Failure):
                outcomes[key] = outcome
                if isinstance(outcome, Success):
                    on_success(spec, outcome)
            elif isinstance(outcome, LockedElsewhere):
                if key not in retry_times:
                    context.emit(
                        Event(
                            kind="remark", message=f"{format_run_name(spec)}: another process is running it"
                        )
                    )
                retry_times[key] = time.monotonic() + LOCK_POLL_SECONDS
                pending[key] = spec
            else:
                locks = context.locks
                context.tracker.close_orphaned_runs(
                    context.study_run_id, lock_scope=locks.scope, is_locked=locks.is_locked
                )
                deaths[key] += 1
                if deaths[key] < MAX_ATTEMPTS:
                    context.emit(
                        Event(
                            kind="remark", message=f"{format_run_name(spec)}: {outcome.reason}; restarting it"
                        )
                    )
                    pending = {key: spec, **pending}
                else:
                    outcomes[key] = record_failure(spec, f"{outcome.reason}, {MAX_ATTEMPTS} times", context)
    return outcomes


def _select_next(
    pending: Mapping[str, RunSpec],
    running: Mapping[str, RunSpec],
    base_keys: Mapping[str, str],
    retry_times: Mapping[str, float],
    *,
    slots: int,
) -> list[str]:
    """Return the keys of the cells to start now, in order, at most as many as there are free slots."""
    keys: list[str] = []
    has_exclusive = any(spec.is_exclusive for spec in running.values())
    for key, spec in pending.items():
        if has_exclusive or len(running) + len(keys) >= slots:
            break
        if base_keys.get(key) in pending or base_keys.get(key) in running:
            continue
        if time.monotonic() < retry_times.get(key, 0.0):
            continue
        if spec.is_exclusive and (running or keys):
            continue
        keys.append(key)
        has_exclusive = spec.is_exclusive
    return keys
