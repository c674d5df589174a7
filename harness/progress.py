"""Events of a running study, its remaining time, its progress as plain lines, and progress bars."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from datasets.text import pluralize
from studies.results import Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Progress event of a cell: its start, its epochs, its end, or a remark.

    `message` is the result, the reason of a failure, or the remark. `epochs` are the finished epochs; there
    are several if an earlier process has trained them. `max_epochs` is the maximum number of epochs.
    """

    kind: Literal["begun", "epochs", "finished", "reused", "failed", "remark"]
    label: str = ""
    message: str = ""
    epochs: tuple[Epoch, ...] = ()
    max_epochs: int = 0


FIRST_EPOCHS, EPOCH_INTERVAL, PRINT_INTERVAL_SECONDS = 10, 10, 60.0
"""Which epochs of a cell get a plain line: the first ones, every tenth, and one if a minute has passed."""

EventSink = Callable[[Event], None]


def format_duration(seconds: float) -> str:
    """Format a duration, for example 45 s, 12 min, 3 h 10 min or 5.0 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
    return f"{seconds / 86400:.1f} days"


@dataclass(slots=True, kw_only=True)
class RunningCell:
    """A running cell: its start, its last epoch, and the validation accuracy of that epoch (0 to 1).

    `first_epoch` is the number of epochs of an earlier process. `start` and `epoch_time` are seconds of
    `time.monotonic`. `max_epochs` is 0 for a cell that trains nothing.
    """

    start: float
    epoch_time: float
    max_epochs: int = 0
    first_epoch: int = 0
    epoch: int = 0
    validation_accuracy: float | None = None

    def estimate_seconds_left(self, now: float) -> float | None:
        """Return an upper bound, because training may stop early; None before the first measured epoch."""
        epochs_run = self.epoch - self.first_epoch
        if epochs_run < 1:
            return None
        seconds_per_epoch = (self.epoch_time - self.start) / epochs_run
        return max(0.0, seconds_per_epoch * (self.max_epochs - self.epoch) - (now - self.epoch_time))


class RemainingTime:
    """Estimate the remaining time of a study from the cells that have run.

    Rich's own estimate does not use epochs, so it shows nothing until a cell ends, and it counts reused cells
    as cells that ran.
    """

    def __init__(self, cells: int) -> None:
        self.cells_left = cells
        self.cell_seconds: list[float] = []
        self.running: dict[str, RunningCell] = {}

    def start_cell(self, label: str, *, max_epochs: int) -> None:
        """Record that a cell starts now."""
        now = time.monotonic()
        self.running[label] = RunningCell(start=now, epoch_time=now, max_epochs=max_epochs)

    def record_epochs(self, label: str, epochs: Sequence[Epoch]) -> None:
        """Record finished epochs of a running cell; several are those of an earlier process."""
        cell, now = self.running[label], time.monotonic()
        cell.epoch, cell.epoch_time = epochs[-1].number, now
        cell.validation_accuracy = epochs[-1].validation_accuracy
        if len(epochs) > 1:
            cell.start, cell.first_epoch = now, cell.epoch

    def finish_cell(self, label: str) -> None:
        """Record that a cell ended. Only cells that were started count for the mean time."""
        cell = self.running.pop(label, None)
        if cell:
            self.cell_seconds.append(time.monotonic() - cell.start)
        self.cells_left -= 1

    def estimate_seconds_left(self) -> float | None:
        """Return the remaining seconds of the study, or None before the first measurement."""
        now = time.monotonic()
        rests = {label: cell.estimate_seconds_left(now) for label, cell in self.running.items()}
        known_rests = {label: rest for label, rest in rests.items() if rest is not None}
        if not known_rests and not self.cell_seconds:
            return None
        durations = self.cell_seconds or [
            now - self.running[label].start + rest for label, rest in known_rests.items()
        ]
        waiting_cells = max(0, self.cells_left - len(self.running))
        waiting_seconds = fmean(durations) * waiting_cells / max(1, len(self.running))
        return max(known_rests.values(), default=0.0) + waiting_seconds


class PlainProgress:
    """Print progress as plain lines, for logs and pipes: few of the epochs, and every other event."""

    def __init__(self, console: Console, study: str, *, cells: int) -> None:
        self.console, self.cells, self.cells_printed = console, cells, 0
        self.remaining = RemainingTime(cells)
        self.print_times: dict[str, float] = {}
        self._print(f"study {study}: {pluralize(cells, 'cell')}")

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def handle(self, event: Event) -> None:
        """Print a line for the event, with the cell's label if several cells run in parallel."""
        is_parallel = len(self.remaining.running) > 1
        prefix = f"{event.label}: " if is_parallel else ""
        if event.kind == "begun":
            self.remaining.start_cell(event.label, max_epochs=event.max_epochs)
            self._print(f"{self._format_number()} {event.label}")
        elif event.kind == "epochs":
            self.remaining.record_epochs(event.label, event.epochs)
            if self._is_printed(event):
                self.print_times[event.label] = time.monotonic()
                self._print(f"  {prefix}{_format_last_epoch(event, self.remaining)}")
        elif event.kind == "remark":
            self._print(event.message)
        elif event.label in self.remaining.running:
            self.remaining.finish_cell(event.label)
            self._print(f"  {prefix}{'failed' if event.kind == 'failed' else 'done'}: {event.message}")
        else:
            self.remaining.finish_cell(event.label)
            self._print(f"{self._format_number()} {event.label}  {event.kind}: {event.message}")

    def _is_printed(self, event: Event) -> bool:
        """Return True for the first epochs, every tenth, the last, resumed ones, and one per minute."""
        number = event.epochs[-1].number
        return (
            number <= FIRST_EPOCHS
            or number % EPOCH_INTERVAL == 0
            or number == event.max_epochs
            or len(event.epochs) > 1
            or time.monotonic() - self.print_times.get(event.label, 0.0) > PRINT_INTERVAL_SECONDS
        )

    def _format_number(self) -> str:
        self.cells_printed += 1
        return f"[{self.cells_printed}/{self.cells}]"

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _format_last_epoch(event: Event, remaining: RemainingTime) -> str:
    """Format the last epoch of an event and the remaining time of the study on one line."""
    last_epoch, is_resumed = event.epochs[-1], len(event.epochs) > 1
    seconds_left = remaining.estimate_seconds_left()
    time_text = "" if seconds_left is None else f"  about {format_duration(seconds_left)} left"
    return (
        f"{'resumed after ' if is_resumed else ''}epoch {last_epoch.number}/{event.max_epochs}  "
        f"loss {last_epoch.train_loss:.4f}  "
        f"val {100 * last_epoch.validation_accuracy:.1f} %{time_text}"
    )


@contextmanager
def progress_bars(*descriptions: str) -> Iterator[tuple[Callable[[int, int], None], ...]]:
    """Show a progress bar on stderr for each description, from its first step on.

    Yields one function per bar, which takes (steps completed, steps in total). Nothing is shown if stderr is
    not a terminal.
    """
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal, transient=True) as display:

        def update(task: TaskID, completed: int, total: int) -> None:
            display.update(task, completed=completed, total=total, visible=True)

        yield tuple(
            partial(update, display.add_task(description, total=None, visible=False))
            for description in descriptions
        )
