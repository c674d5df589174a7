"""Show the progress of a running study: progress bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
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


TIME_SEPARATOR = "  about "
"""Text between the metrics of an epoch and the remaining time."""

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


class RemainingTime:
    """Estimate the remaining time of a study from the cells that have run.

    The estimate for a running cell is an upper bound, because training may stop early. Rich's own estimate
    does not use epochs, so it shows nothing until a cell ends, and it counts reused cells as cells that ran.
    """

    def __init__(self, cells: int) -> None:
        self.cells_left = cells
        self.cell_seconds: list[float] = []
        self.starts: dict[str, tuple[float, int]] = {}

    def start_cell(self, label: str) -> None:
        """Record that a cell starts now."""
        self.starts[label] = time.monotonic(), 0

    def resume_cell(self, label: str, *, epoch: int) -> None:
        """Record that a cell resumes now, after `epoch` epochs of an earlier process."""
        self.starts[label] = time.monotonic(), epoch

    def finish_cell(self, label: str) -> None:
        """Record that a cell ended. Only cells that were started count for the mean time."""
        if label in self.starts:
            self.cell_seconds.append(time.monotonic() - self.starts.pop(label)[0])
        self.cells_left -= 1

    def format_time(self, label: str, *, epoch: int, epochs: int) -> str:
        """Return the remaining time of the study as text, or "" before the first measurement."""
        start, first_epoch = self.starts[label]
        elapsed, epochs_run = time.monotonic() - start, epoch - first_epoch
        if not epochs_run and not self.cell_seconds:
            return ""
        cell_rest = elapsed / epochs_run * (epochs - epoch) if epochs_run else 0.0
        mean = sum(self.cell_seconds) / len(self.cell_seconds) if self.cell_seconds else elapsed + cell_rest
        running_cells = len(self.starts)
        return format_duration(cell_rest + mean * max(0, self.cells_left - running_cells) / running_cells)


class PlainProgress:
    """Print progress as plain lines, for logs and pipes."""

    def __init__(self, console: Console, study: str, *, cells: int) -> None:
        self.console, self.cells, self.cells_printed = console, cells, 0
        self.remaining = RemainingTime(cells)
        self._print(f"study {study}: {pluralize(cells, 'cell')}")

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def handle(self, event: Event) -> None:
        """Print a line for the event, with the cell's label if several cells run in parallel."""
        is_parallel = len(self.remaining.starts) > 1
        prefix = f"{event.label}: " if is_parallel else ""
        if event.kind == "begun":
            self.remaining.start_cell(event.label)
            self._print(f"{self._format_number()} {event.label}")
        elif event.kind == "epochs":
            self._print(f"  {prefix}{_format_last_epoch(event, self.remaining)}")
        elif event.kind == "remark":
            self._print(event.message)
        elif event.label in self.remaining.starts:
            self.remaining.finish_cell(event.label)
            self._print(f"  {prefix}{'failed' if event.kind == 'failed' else 'done'}: {event.message}")
        else:
            self.remaining.finish_cell(event.label)
            self._print(f"{self._format_number()} {event.label}  {event.kind}: {event.message}")

    def _format_number(self) -> str:
        self.cells_printed += 1
        return f"[{self.cells_printed}/{self.cells}]"

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _format_last_epoch(event: Event, remaining: RemainingTime) -> str:
    """Format the last epoch of an event and the remaining time on one line."""
    last_epoch, is_resumed = event.epochs[-1], len(event.epochs) > 1
    if is_resumed:
        remaining.resume_cell(event.label, epoch=last_epoch.number)
    time_left = remaining.format_time(event.label, epoch=last_epoch.number, epochs=event.max_epochs)
    time_text = f"{TIME_SEPARATOR}{time_left} left" if time_left else ""
    return (
        f"{'resumed after ' if is_resumed else ''}epoch {last_epoch.number}/{event.max_epochs}  "
        f"loss {last_epoch.train_loss:.4f}  "
        f"val {100 * last_epoch.validation_accuracy:.1f} %{time_text}"
    )


class LiveProgress:
    """Show a progress bar for the study and for each running cell, and a line for each finished cell."""

    def __init__(self, console: Console, study: str, *, cells: int) -> None:
        self.remaining = RemainingTime(cells)
        self.bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            console=console,
        )
        self.study_task = self.bars.add_task(study, total=cells, words="")
        self.cell_tasks: dict[str, TaskID] = {}

    def __enter__(self) -> LiveProgress:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.bars.stop()

    def handle(self, event: Event) -> None:
        """Update the bars; print a line for each finished cell and each remark."""
        if event.kind == "begun":
            self.remaining.start_cell(event.label)
            self.cell_tasks[event.label] = self.bars.add_task(event.label, total=event.max_epochs, words="")
        elif event.kind == "epochs":
            last_epoch = event.epochs[-1]
            message = _format_last_epoch(event, self.remaining).partition("  ")[2]
            metrics, separator, time_left = message.partition(TIME_SEPARATOR)
            self.bars.update(self.cell_tasks[event.label], completed=last_epoch.number, words=metrics)
            self.bars.update(self.study_task, words=f"{separator}{time_left}".strip())
        elif event.kind == "remark":
            self._print(event.message)
        else:
            self.remaining.finish_cell(event.label)
            if event.label in self.cell_tasks:
                self.bars.remove_task(self.cell_tasks.pop(event.label))
            self.bars.advance(self.study_task)
            prefix = "" if event.kind == "finished" else f"{event.kind}, "
            self._print(f"{event.label}: {prefix}{event.message}")

    def _print(self, text: str) -> None:
        self.bars.console.print(text, markup=False, highlight=False, soft_wrap=True)


def create_progress(console: Console, study: str, *, cells: int) -> PlainProgress | LiveProgress:
    """Return live progress bars if the console is a terminal, else plain lines."""
    return (LiveProgress if console.is_terminal else PlainProgress)(console, study, cells=cells)


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
