"""How far studies have come, whether they run or died, from the ledger and the claims alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from harness.progress import clock
from harness.running.claims import Claims
from harness.tracking.cells import Child
from harness.tracking.ledger import Ledger
from studies.spec import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A cell that is being run: its last epoch of so many, by whom, and how long it still takes at most."""

    cell: str
    epoch: int
    epochs: int
    process: str
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One study: how many of its cells are done, and what becomes of the others.

    `state` is "done", "running", "stopped" (nobody is at it), or "open elsewhere" (begun on a machine whose
    claims do not reach this one). `seconds_left` is None where nothing is known yet.
    """

    study: str
    state: str
    cells: int
    done: int
    failed: tuple[tuple[str, str], ...]
    running: tuple[Running, ...]
    seconds_left: float | None

    @property
    def left(self) -> int:
        """Cells that have neither finished nor failed."""
        return self.cells - self.done - len(self.failed)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "study": self.study,
            "state": self.state,
            "cells": self.cells,
            "done": self.done,
            "failed": [{"cell": cell, "reason": reason} for cell, reason in self.failed],
            "left": self.left,
            "running": [
                {"cell": r.cell, "epoch": r.epoch, "epochs": r.epochs, "process": r.process}
                for r in self.running
            ],
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left),
        }

    def in_words(self) -> str:
        """As a person reads it."""
        failed = f", {len(self.failed)} failed (--retry-failed runs them again)" if self.failed else ""
        left = f", {self.left} left" if self.left else ""
        about = f", about {clock(self.seconds_left)}" if self.left and self.seconds_left is not None else ""
        lines = [f"{self.study}  {self.state}: {self.done} of {self.cells} cells done{failed}{left}{about}"]
        lines += [f"  {r.cell}: epoch {r.epoch}/{r.epochs}  ({r.process})" for r in self.running]
        lines += [f"  failed  {cell}: {reason}" for cell, reason in self.failed]
        if self.state == "stopped":
            lines.append("  the command that began it goes on with it, from its last checkpoint")
        return "\n".join(lines)


def status(name: str, ledger: Ledger, claims: Claims) -> Status:
    """How far a study has come.

    Raises:
        ValueError: no such study.
    """
    study, parent = ledger.study(name)
    return replace(_of(study, ledger.children(parent), claims), study=name)


def _of(study: Study, children: Sequence[Child], claims: Claims) -> Status:
    specs = {spec.key: spec for spec in study.runs()}
    newest: dict[str, Child] = {}
    for child in children:
        newest.setdefault(child.key, child)
    finished = {c.key: c for c in children if c.status == "FINISHED"}
    unfinished = [newest[key] for key in specs if key in newest and key not in finished]
    failed = [child for child in unfinished if child.status == "FAILED"]
    # By a clock that was set back, the run that goes on may not be the newest.
    opened = [c for c in children if c.status == "RUNNING" and c.key in specs and c.key not in finished]
    ours = [c for c in opened if c.place == claims.place and claims.held(c.key)]
    foreign = [c for c in opened if c.place != claims.place]
    epochs = {key: spec.training.epochs if spec.trains else 0 for key, spec in specs.items()}
    running = tuple(_running(child, epochs) for child in (*ours, *foreign))
    done = len(finished.keys() & specs.keys())
    waiting = len(specs) - done - len(failed) - len(running)
    state = "done" if not waiting and not running else "stopped"
    state = "running" if ours else "open elsewhere" if foreign else state
    took = [child.seconds for child in finished.values() if child.seconds is not None]
    return Status(
        study=study.name,
        state=state,
        cells=len(specs),
        done=done,
        failed=tuple((child.name, child.reason) for child in failed),
        running=running,
        seconds_left=_left(waiting, running, took),
    )


def _running(child: Child, epochs: Mapping[str, int]) -> Running:
    """The last epoch's number is as many as were told: a run that goes on is told those before it too."""
    whole, told = epochs.get(child.key, 0), child.epochs
    # Those told at once are of an earlier process; what lies between the last two is what one takes.
    pace = max(0.0, told[-1] - told[-2]) if len(told) > 1 else None
    return Running(
        cell=child.name,
        epoch=len(told),
        epochs=whole,
        process=child.process,
        seconds_left=None if pace is None else pace * (whole - len(told)),
    )


def _left(waiting: int, running: Sequence[Running], took: Sequence[float]) -> float | None:
    """Seconds until the last cell ends, if none stops early and as many run at once as do now."""
    usual = fmean(took) if took else None
    ends = [usual if r.seconds_left is None else r.seconds_left for r in running]
    known = [seconds for seconds in ends if seconds is not None]
    if (waiting and usual is None) or not (known or took):
        return None
    return max(known, default=0.0) + waiting * (usual or 0.0) / max(1, len(running))
