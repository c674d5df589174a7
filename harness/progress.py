"""What a person sees while a study runs: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars

from studies.results import Epoch


def clock(seconds: float) -> str:
    """A duration as a person would say it: 45 s, 12 min, 3 h 10 min, 5 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
    return f"{seconds / 86400:.1f} days"


class Progress(Protocol):
    """What a study tells of itself as it goes."""

    def begin(self, label: str, *, epochs: int) -> None:
        """A cell starts."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of it ended."""

    def finished(self, label: str, words: str) -> None:
        """It is done."""

    def reused(self, label: str, words: str) -> None:
        """It had been done before."""

    def failed(self, label: str, reason: str) -> None:
        """It failed."""


class Remaining:
    """How long a study still takes, from the cells it has run: an upper estimate within a cell."""

    def __init__(self, cells: int) -> None:
        self.left = cells
        self.seconds: list[float] = []
        self.start = time.monotonic()

    def cell_ended(self, *, ran: bool) -> None:
        """Count a cell off; only one that ran says something about time."""
        if ran:
            self.seconds.append(time.monotonic() - self.start)
        self.left -= 1

    def words(self, *, epoch: int, epochs: int) -> str:
        """The time left, or "?" before anything has been measured."""
        here = time.monotonic() - self.start
        rest_here = here / epoch * (epochs - epoch) if epoch else 0.0
        mean = sum(self.seconds) / len(self.seconds) if self.seconds else here + rest_here
        if not epoch and not self.seconds:
            return "?"
        return clock(rest_here + mean * (self.left - 1))


class Lines:
    """Plain lines, for logs and pipes."""

    def __init__(self, console: Console, study: str, *, cells: int) -> None:
        self.console, self.cells, self.number = console, cells, 0
        self.remaining = Remaining(cells)
        self._print(f"study {study}: {cells} cells")

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def begin(self, label: str, *, epochs: int) -> None:
        """Name the cell."""
        self.number += 1
        self.epochs = epochs
        self.remaining.start = time.monotonic()
        self._print(f"[{self.number}/{self.cells}] {label}")

    def epoch(self, epoch: Epoch) -> None:
        """One line an epoch."""
        left = self.remaining.words(epoch=epoch.number, epochs=self.epochs)
        self._print(
            f"  epoch {epoch.number}/{self.epochs}  loss {epoch.train_loss:.4f}  "
            f"val {100 * epoch.validation_accuracy:.1f} %  about {left} left"
        )

    def finished(self, label: str, words: str) -> None:
        """The result in half a line."""
        self.remaining.cell_ended(ran=True)
        self._print(f"  done: {words}")

    def reused(self, label: str, words: str) -> None:
        """The result that was there."""
        self.number += 1
        self.remaining.cell_ended(ran=False)
        self._print(f"[{self.number}/{self.cells}] {label}  reused: {words}")

    def failed(self, label: str, reason: str) -> None:
        """The reason."""
        self.remaining.cell_ended(ran=False)
        self._print(f"  failed: {reason}")

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class Live:
    """A bar for the study, a bar for the cell, and a line for each cell that ended."""

    def __init__(self, console: Console, study: str, *, cells: int) -> None:
        self.remaining = Remaining(cells)
        self.bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[words]}", markup=False),
            console=console,
        )
        self.study = self.bars.add_task(study, total=cells, words="")
        self.cell = self.bars.add_task("", total=1, words="", visible=False)

    def __enter__(self) -> Live:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def begin(self, label: str, *, epochs: int) -> None:
        """Start the cell's bar afresh."""
        self.epochs = epochs
        self.remaining.start = time.monotonic()
        self.bars.reset(self.cell, total=epochs, description=label, words="", visible=True)

    def epoch(self, epoch: Epoch) -> None:
        """Loss, validation accuracy, time left."""
        words = f"loss {epoch.train_loss:.4f}  val {100 * epoch.validation_accuracy:.1f} %"
        left = self.remaining.words(epoch=epoch.number, epochs=self.epochs)
        self.bars.update(self.cell, completed=epoch.number, words=words)
        self.bars.update(self.study, words=f"about {left} left")

    def finished(self, label: str, words: str) -> None:
        """Leave a line, go on."""
        self._end(f"{label}: {words}", ran=True)

    def reused(self, label: str, words: str) -> None:
        """Leave a line, go on."""
        self._end(f"{label}: reused, {words}", ran=False)

    def failed(self, label: str, reason: str) -> None:
        """Leave a line, go on."""
        self._end(f"{label}: failed, {reason}", ran=False)

    def _end(self, line: str, *, ran: bool) -> None:
        self.remaining.cell_ended(ran=ran)
        self.bars.update(self.cell, visible=False)
        self.bars.advance(self.study)
        self.bars.console.print(line, markup=False, highlight=False, soft_wrap=True)


def progress_for(console: Console, study: str, *, cells: int) -> Lines | Live:
    """The view that fits where the output goes."""
    return (Live if console.is_terminal else Lines)(console, study, cells=cells)
