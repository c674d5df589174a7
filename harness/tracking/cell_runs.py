"""The tracked status of cells and the runs of a study."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStatus:
    """The tracked status of a cell: its newest finished run, and its latest failure reason in one study."""

    finished_run_id: str | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """A tracked run of a cell; its status is FINISHED, FAILED, KILLED or RUNNING.

    `seconds` is the duration of a finished run. `epoch_times` are the times, in seconds, at which the epochs
    of a running run were logged. `lock_scope` and `process` are those of the process that started it.
    """

    key: str
    name: str
    status: str
    reason: str = ""
    seconds: float | None = None
    epoch_times: tuple[float, ...] = ()
    lock_scope: str = ""
    process: str = ""
