"""What a person sees while a study runs: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from studies.results import Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a cell tells of itself as it goes: that it begins, its epochs, how it ends, or a remark.

    `words` say the result or the reason in half a line; `epochs` are those that have ended, several where a
    process before this one had trained them; `of` is how many there are at most.
    """

    kind: Literal["begun", "epochs", "finished", "reused", "failed", "remark"]
    label: str = ""
    words: str = ""
    epochs: tuple[Epoch, ...] = ()
    of: int = 0


Tell = Callable[[Event], None]


def clock(seconds: float) -> str:
    """A duration as a person would say it: 45 s, 12 min, 3 h 10 min, 5 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
    return f"{seconds / 86400:.1f} days"


class Remaining:
    """How long a study still takes, from the cells it has run: an upper estimate within a cell.

    Rich's own estimate knows no epochs, so that it is silent until a cell ends, and takes a cell that was
    reused for one that ran.
    """

    def __init__(self, cells: int) -> None:
        self.left = cells
        self.seconds: list[float] = []
        self.begun: dict[str, tuple[float, int]] = {}

    def cell_begun(self, label: str) -> None:
        """A cell starts now."""
        self.begun[label] = time.monotonic(), 0

    def went_on(self, label: str, *, after: int) -> None:
        """A cell goes on, after so many epochs of a process before this one."""
        self.begun[label] = time.monotonic(), after

    def cell_ended(self, label: str) -> None:
        """Count a cell off; only one that ran says something about time."""
        if label in self.begun:
            self.seconds.append(time.monotonic() - self.begun.pop(label)[0])
        self.left -= 1

    def words(self, label: str, *, epoch: int, epochs: int) -> str:
        """The time left, or "?" before anything has been measured."""
        start, before = self.begun[label]
        here, done = time.monotonic() - start, epoch - before
        if not done and not self.seconds:
            return "?"
        rest_here = here / done * (epochs - epoch) if done else 0.0
        mean = sum(self.seconds) / len(self.seconds) if self.seconds else here + rest_here
        at_once = len(self.begun)
        return clock(rest_here + mean * max(0, self.left - at_once) / at_once)


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

    def tell(self, event: Event) -> None:
        """A line for what a cell told; named again where several run at once."""
        several = len(self.remaining.begun) > 1
        name = f"{event.label}: " if several else ""
        if event.kind == "begun":
            self.remaining.cell_begun(event.label)
            self._print(f"{self._numbered()} {event.label}")
        elif event.kind == "epochs":
            self._print(f"  {name}{_last(event, self.remaining)}")
        elif event.kind == "remark":
            self._print(event.words)
        elif event.label in self.remaining.begun:
            self.remaining.cell_ended(event.label)
            self._print(f"  {name}{'failed' if event.kind == 'failed' else 'done'}: {event.words}")
        else:
            self.remaining.cell_ended(event.label)
            self._print(f"{self._numbered()} {event.label}  {event.kind}: {event.words}")

    def _numbered(self) -> str:
        self.number += 1
        return f"[{self.number}/{self.cells}]"

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _last(event: Event, remaining: Remaining) -> str:
    """The epochs of an event in a line, and the time left."""
    last, several = event.epochs[-1], len(event.epochs) > 1
    if several:
        remaining.went_on(event.label, after=last.number)
    left = remaining.words(event.label, epoch=last.number, epochs=event.of)
    return (
        f"{'goes on after ' if several else ''}epoch {last.number}/{event.of}  loss {last.train_loss:.4f}  "
        f"val {100 * last.validation_accuracy:.1f} %  about {left} left"
    )


class Live:
    """A bar for the study, one for each cell that runs, and a line for each that ended."""

    def __init__(self, console: Console, study: str, *, cells: int) -> None:
        self.remaining = Remaining(cells)
        self.bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            console=console,
        )
        self.study = self.bars.add_task(study, total=cells, words="")
        self.running: dict[str, TaskID] = {}

    def __enter__(self) -> Live:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def tell(self, event: Event) -> None:
        """Move the bars; leave a line for what ended, and for remarks."""
        if event.kind == "begun":
            self.remaining.cell_begun(event.label)
            self.running[event.label] = self.bars.add_task(event.label, total=event.of, words="")
        elif event.kind == "epochs":
            last = event.epochs[-1]
            words = _last(event, self.remaining).partition("  ")[2]
            figures, _, left = words.rpartition("  ")
            self.bars.update(self.running[event.label], completed=last.number, words=figures)
            self.bars.update(self.study, words=left)
        elif event.kind == "remark":
            self._print(event.words)
        else:
            self.remaining.cell_ended(event.label)
            if event.label in self.running:
                self.bars.remove_task(self.running.pop(event.label))
            self.bars.advance(self.study)
            word = "" if event.kind == "finished" else f"{event.kind}, "
            self._print(f"{event.label}: {word}{event.words}")

    def _print(self, text: str) -> None:
        self.bars.console.print(text, markup=False, highlight=False, soft_wrap=True)


def progress_for(console: Console, study: str, *, cells: int) -> Lines | Live:
    """The view that fits where the output goes."""
    return (Live if console.is_terminal else Lines)(console, study, cells=cells)
