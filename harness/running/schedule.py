"""Which cell runs when: each once, those that read a network after the one that trains it.

What runs a cell is an executor: this process (`harness.running.study`), processes beside it
(`harness.running.workers`), or a Ray cluster (`harness.running.cluster`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.labels import run_name
from harness.progress import Event
from harness.running.cell import Desk, Done, Elsewhere, Outcome, given_up
from studies.results import Failure
from studies.spec import RunSpec

LOOKS = 1.0
"""Seconds until a cell that another process is at is asked for again."""

ATTEMPTS = 3
"""So often a cell whose worker dies is begun, or gone on with, before that counts as its failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """A cell whose worker has died, and what is known of that."""

    how: str


class Executor(Protocol):
    """What runs cells, so many at once as it has `slots`."""

    @property
    def slots(self) -> int:
        """How many cells it runs at once."""

    def start(self, spec: RunSpec) -> None:
        """Have a cell run; there is a free slot."""

    def ended(self) -> Sequence[tuple[RunSpec, Outcome | Died]]:
        """Cells that have ended; waits a while for the first, and may come back with none."""


def carried_out(
    cells: Sequence[RunSpec],
    executor: Executor,
    desk: Desk,
    *,
    on_done: Callable[[RunSpec, Done], None] = lambda spec, done: None,
) -> dict[str, Done | Failure]:
    """How each cell ended, by its key; `cells` start in their order where nothing holds one back.

    `on_done` is called with each cell that has a result.

    Raises:
        Stopped: nothing more can be written.
    """
    waiting = {spec.key: spec for spec in cells}
    reads = {key: spec.trained.key for key, spec in waiting.items() if not spec.trains}
    running, settled = dict[str, RunSpec](), dict[str, Done | Failure]()
    not_before, died = dict[str, float](), Counter[str]()
    while waiting or running:
        for key in _startable(waiting, running, reads, not_before, slots=executor.slots):
            running[key] = waiting.pop(key)
            executor.start(running[key])
        if not running:
            time.sleep(LOOKS / 4)
            continue
        for spec, outcome in executor.ended():
            key = spec.key
            del running[key]
            if isinstance(outcome, Done | Failure):
                settled[key] = outcome
                if isinstance(outcome, Done):
                    on_done(spec, outcome)
            elif isinstance(outcome, Elsewhere):
                if key not in not_before:
                    desk.tell(Event(kind="remark", words=f"{run_name(spec)}: another process is at it"))
                not_before[key] = time.monotonic() + LOOKS
                waiting[key] = spec
            else:
                claims = desk.claims
                desk.ledger.bury(desk.parent, place=claims.place, held=claims.held)
                died[key] += 1
                if died[key] < ATTEMPTS:
                    desk.tell(Event(kind="remark", words=f"{run_name(spec)}: {outcome.how}; it goes on"))
                    waiting = {key: spec, **waiting}
                else:
                    settled[key] = given_up(spec, f"{outcome.how}, {ATTEMPTS} times", desk)
    return settled


def _startable(
    waiting: Mapping[str, RunSpec],
    running: Mapping[str, RunSpec],
    reads: Mapping[str, str],
    not_before: Mapping[str, float],
    *,
    slots: int,
) -> list[str]:
    """The keys of the cells to start now, in their order, as many as there is room for."""
    found: list[str] = []
    alone = any(map(runs_alone, running.values()))
    for key, spec in waiting.items():
        if alone or len(running) + len(found) >= slots:
            break
        if reads.get(key) in waiting or reads.get(key) in running:
            continue
        if time.monotonic() < not_before.get(key, 0.0):
            continue
        if runs_alone(spec) and (running or found):
            continue
        found.append(key)
        alone = runs_alone(spec)
    return found


def runs_alone(spec: RunSpec) -> bool:
    """Whether nothing may run beside it: its times would hold the other's work."""
    return spec.control == "latency"
