"""What the tracking server knows of a cell, and of a study's runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStatus:
    """What a ledger knows of one cell: its newest finished run, and why it failed in one study last."""

    finished_run_id: str | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """A run of a study as it stands on the ledger: FINISHED, FAILED, KILLED or RUNNING.

    `seconds` is how long one that finished took; `epochs` are the times, in seconds, at which those of one
    that runs were told; `place` and `process` are those of whoever began it.
    """

    key: str
    name: str
    status: str
    reason: str = ""
    seconds: float | None = None
    epoch_times: tuple[float, ...] = ()
    lock_scope: str = ""
    process: str = ""
