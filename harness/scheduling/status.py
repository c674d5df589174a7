"""Progress of studies, running or not, read from the tracking store and the locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from datasets.text import pluralize
from harness.progress import format_duration
from harness.run_names import format_run_name
from harness.scheduling.cell_locks import CellLocks
from harness.tracking.cell_runs import CellRun
from harness.tracking.study_index import StudyEntry
from harness.tracking.tracker import Tracker
from studies.results import Failure, format_end_times
from studies.study import Study, format_study_label


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCell:
    """A running cell: its last epoch, its maximum number of epochs, its process, and its seconds left."""

    cell: str
    epoch: int
    epochs: int
    process: str
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyStatus:
    """The progress of one study.

    `state` is "done", "running", "stopped" (no process runs it), or "open elsewhere" (started on a machine
    whose locks this one cannot see). `seconds_left` is None if no estimate is possible yet. `commands` are
    the command lines that ran the study. `end_times` are those of the first and the last finished run (UTC,
    ISO 8601), () if no time is known, and `versions` the versions of harness and torch that made the runs.
    `alias` is "" for a study without one.
    """

    study_name: str
    state: str
    cell_count: int
    finished_count: int
    failures: tuple[Failure, ...]
    running_cells: tuple[RunningCell, ...]
    seconds_left: float | None
    commands: tuple[str, ...] = ()
    end_times: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    alias: str = ""

    @property
    def pending_count(self) -> int:
        """The number of cells that have neither finished nor failed."""
        return self.cell_count - self.finished_count - len(self.failures)

    def to_dict(self) -> dict[str, Any]:
        """Return the status as a JSON object."""
        return {
            "study": self.study_name,
            "alias": self.alias or None,
            "state": self.state,
            "cells": self.cell_count,
            "done": self.finished_count,
            "failed": [
                {
                    "cell": format_run_name(failure.spec),
                    "reason": failure.reason,
                    "traceback_run_id": failure.traceback_run_id or None,
                }
                for failure in self.failures
            ],
            "left": self.pending_count,
            "running": [
                {"cell": r.cell, "epoch": r.epoch, "epochs": r.epochs, "process": r.process}
                for r in self.running_cells
            ],
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left),
            "commands": list(self.commands),
            "end_times": list(self.end_times),
            "versions": list(self.versions),
        }

    def render_text(self) -> str:
        """Return the status as text for the terminal."""
        failure_note = (
            f", {len(self.failures)} failed (--retry-failed runs them again)" if self.failures else ""
        )
        pending = f", {self.pending_count} left" if self.pending_count else ""
        time_left = (
            f", about {format_duration(self.seconds_left)}"
            if self.pending_count and self.seconds_left is not None
            else ""
        )
        lines = [
            f"{format_study_label(self.study_name, self.alias)}  {self.state}: {self.finished_count} of "
            f"{pluralize(self.cell_count, 'cell')} done"
            f"{failure_note}{pending}{time_left}"
        ]
        lines += [f"  command  {command}" for command in self.commands]
        if self.end_times:
            lines.append("; ".join((f"  {format_end_times(self.end_times)}", *self.versions)))
        lines += [f"  {r.cell}: epoch {r.epoch}/{r.epochs}  ({r.process})" for r in self.running_cells]
        lines += [f"  failed  {format_run_name(failure.spec)}: {failure.text}" for failure in self.failures]
        if self.state == "stopped":
            lines.append("  run the command that started it again to resume from the last checkpoint")
        return "\n".join(lines)


def load_study_status(entry: StudyEntry, tracker: Tracker, locks: CellLocks) -> StudyStatus:
    """Load the progress of a recorded study."""
    study, study_run_id = tracker.find_study(entry.name)
    return replace(
        _summarize_runs(study, tracker.list_cell_runs(study_run_id), locks),
        study_name=entry.name,
        alias=entry.alias,
        commands=tracker.load_commands(study_run_id),
    )


def _summarize_runs(study: Study, cell_runs: Sequence[CellRun], locks: CellLocks) -> StudyStatus:
    specs = {spec.key: spec for spec in study.list_runs()}
    newest_runs: dict[str, CellRun] = {}
    for cell_run in cell_runs:
        newest_runs.setdefault(cell_run.key, cell_run)
    finished_runs = {c.key: c for c in cell_runs if c.status == "FINISHED"}
    unfinished_runs = [newest_runs[key] for key in specs if key in newest_runs and key not in finished_runs]
    failed_runs = [cell_run for cell_run in unfinished_runs if cell_run.status == "FAILED"]
    # After a clock was set back, the running run may not be the newest.
    open_runs = [
        c for c in cell_runs if c.status == "RUNNING" and c.key in specs and c.key not in finished_runs
    ]
    local_runs = [c for c in open_runs if c.lock_scope == locks.scope and locks.is_locked(c.key)]
    foreign_runs = [c for c in open_runs if c.lock_scope != locks.scope]
    epochs = {key: spec.training.epochs if spec.is_trained else 0 for key, spec in specs.items()}
    running_cells = tuple(_to_running_cell(cell_run, epochs) for cell_run in (*local_runs, *foreign_runs))
    finished_count = len(finished_runs.keys() & specs.keys())
    pending_count = len(specs) - finished_count - len(failed_runs) - len(running_cells)
    # A short cell may have ended since the runs were listed, and the next one started.
    pending_keys = specs.keys() - finished_runs.keys()
    state = "stopped" if pending_count else "done"
    if local_runs or any(locks.is_locked(key) for key in pending_keys):
        state = "running"
    elif foreign_runs:
        state = "open elsewhere"
    end_times = sorted(c.end_time for c in finished_runs.values() if c.end_time)
    durations = [cell_run.seconds for cell_run in finished_runs.values() if cell_run.seconds is not None]
    return StudyStatus(
        study_name=study.name,
        state=state,
        cell_count=len(specs),
        finished_count=finished_count,
        failures=tuple(
            Failure(spec=specs[c.key], reason=c.reason, traceback_run_id=c.traceback_run_id)
            for c in failed_runs
        ),
        running_cells=running_cells,
        seconds_left=_estimate_seconds_left(pending_count, running_cells, durations),
        end_times=(end_times[0], end_times[-1]) if end_times else (),
        versions=tuple(sorted({c.versions for c in finished_runs.values() if c.versions})),
    )


def _to_running_cell(cell_run: CellRun, epochs: Mapping[str, int]) -> RunningCell:
    """Convert a run to a `RunningCell`.

    The epoch is the number of logged epochs, because a resumed run logs its earlier epochs too.
    """
    total_epochs, epoch_times = epochs.get(cell_run.key, 0), cell_run.epoch_times
    # A resumed run logs its earlier epochs all at once, so only the time between the last two is reliable.
    seconds_per_epoch = max(0.0, epoch_times[-1] - epoch_times[-2]) if len(epoch_times) > 1 else None
    return RunningCell(
        cell=cell_run.name,
        epoch=len(epoch_times),
        epochs=total_epochs,
        process=cell_run.process,
        seconds_left=None
        if seconds_per_epoch is None
        else seconds_per_epoch * (total_epochs - len(epoch_times)),
    )


def _estimate_seconds_left(
    pending_count: int, running_cells: Sequence[RunningCell], durations: Sequence[float]
) -> float | None:
    """Estimate the seconds until the study ends, without early stopping and at the current parallelism."""
    mean_duration = fmean(durations) if durations else None
    estimates = [mean_duration if r.seconds_left is None else r.seconds_left for r in running_cells]
    finite_estimates = [seconds for seconds in estimates if seconds is not None]
    if (pending_count and mean_duration is None) or not (finite_estimates or durations):
        return None
    return max(finite_estimates, default=0.0) + pending_count * (mean_duration or 0.0) / max(
        1, len(running_cells)
    )
