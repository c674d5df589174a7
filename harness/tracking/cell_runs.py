"""The tracked status of cells and the runs of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.tracking.tags import COMMAND_TAG


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStatus:
    """The tracked status of a cell: its newest finished run, and its latest failure in one study.

    `traceback_run_id` is the id of the run whose artifact holds the traceback of the failure, or "".
    """

    finished_run_id: str | None = None
    failure_reason: str | None = None
    traceback_run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """A tracked run of a cell; its status is FINISHED, FAILED, KILLED or RUNNING.

    `reason` and `traceback_run_id` are those of a failed run (see `studies.results.Failure`). `seconds` is
    the duration of a finished run, `end_time` the time at which it ended (UTC, ISO 8601) and `versions` the
    versions of harness and torch that made it; the last two are "" for runs of earlier versions.
    `epoch_times` are the times, in seconds, at which the epochs of a running run were logged. `lock_scope`
    and `process` are those of the process that started it.
    """

    key: str
    name: str
    status: str
    reason: str = ""
    traceback_run_id: str = ""
    seconds: float | None = None
    epoch_times: tuple[float, ...] = ()
    end_time: str = ""
    versions: str = ""
    lock_scope: str = ""
    process: str = ""


def list_commands(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command lines that ran a study, in order, from the tags of its run."""
    commands: list[str] = []
    while (name := make_command_tag(len(commands) + 1)) in tags:
        commands.append(tags[name])
    return tuple(commands)


def make_command_tag(number: int) -> str:
    """Return the name of the tag of a study's command line number `number`, from 1."""
    return COMMAND_TAG if number == 1 else f"{COMMAND_TAG}.{number}"
