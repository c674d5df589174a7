"""Show a running study on a terminal as one view of all cells; as plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.progress import Event, PlainProgress, RemainingTime, RunningCell, format_duration
from harness.run_names import LABEL_SEPARATOR

State = Literal["done", "running", "failed", "waiting"]

SYMBOLS: Mapping[State, tuple[str, str, str]] = {
    "done": ("■", "#", "green"),
    "running": ("▶", ">", "cyan"),
    "failed": ("✗", "x", "red"),
    "waiting": ("·", ".", "dim"),
}
"""The symbol of a cell in each state, its replacement where only ASCII can be shown, and its style."""

MIN_NAME_WIDTH, MAX_NAME_WIDTH, COLUMN_GAP = 8, 30, 2
"""Widths in characters: of the name of a network, and of the space between two columns."""

EMPTY = Text()
"""An empty line."""

REFRESH_RATE = 4
"""Times per second that the view is drawn again."""


class LiveProgress:
    """Show all cells of a study in one view, and print a line for each cell that ends."""

    def __init__(self, console: Console, study: str, *, cells: Sequence[str]) -> None:
        self.console, self.study, self.remaining = console, study, RemainingTime(len(cells))
        self.states: dict[str, State] = dict.fromkeys(cells, "waiting")
        self.reused_count = 0
        self._lock = threading.Lock()  # a thread of `Live` draws the view
        self.live = Live(
            console=console,
            get_renderable=self.render,
            refresh_per_second=REFRESH_RATE,
            transient=True,
        )

    def __enter__(self) -> LiveProgress:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.live.stop()

    def handle(self, event: Event) -> None:
        """Update the view; print a line for each cell that ends here and for each remark."""
        if event.kind == "remark":
            self._print(Text(event.message))
            return
        with self._lock:
            self._update(event)
        if event.kind in ("finished", "failed"):
            symbol = self._build_symbol(self.states[event.label])
            self._print(Text.assemble(symbol, f" {event.label}: {event.message}"))

    def _update(self, event: Event) -> None:
        if event.kind == "begun":
            self.remaining.start_cell(event.label, max_epochs=event.max_epochs)
            self.states[event.label] = "running"
        elif event.kind == "epochs":
            self.remaining.record_epochs(event.label, event.epochs)
        else:
            self.remaining.finish_cell(event.label)
            self.states[event.label] = "failed" if event.kind == "failed" else "done"
            self.reused_count += event.kind == "reused"

    def render(self) -> RenderableType:
        """Return the view: the title, the number of cells in each state, the running cells, and all cells."""
        title = Text(self.study, style="bold", overflow="ellipsis", no_wrap=True)
        with self._lock:
            running = self.remaining.running
            table = (_build_running_table(running, width=self.console.width), EMPTY) if running else ()
            return Group(EMPTY, title, self._build_counts(), EMPTY, *table, self._build_map())

    def _build_counts(self) -> Text:
        counts = Counter(self.states.values())
        text = Text(overflow="ellipsis", no_wrap=True)
        for state in SYMBOLS:
            if counts[state]:
                note = f" ({self.reused_count} reused)" if state == "done" and self.reused_count else ""
                text.append_text(self._build_symbol(state)).append(f" {counts[state]} {state}{note}   ")
        seconds_left = self.remaining.estimate_seconds_left()
        return text.append("" if seconds_left is None else f"about {format_duration(seconds_left)} left")

    def _build_map(self) -> Table:
        """Return a row for each network, with the symbols of its cells in the order of the study."""
        states_by_network: dict[str, list[State]] = {}
        for label, state in self.states.items():
            states_by_network.setdefault(label.partition(LABEL_SEPARATOR)[0], []).append(state)
        table = Table.grid(padding=(0, COLUMN_GAP, 0, 0))
        table.add_column(max_width=MAX_NAME_WIDTH, overflow="ellipsis", no_wrap=True)
        table.add_column()
        for network, states in states_by_network.items():
            table.add_row(Text(network), Text.assemble(*map(self._build_symbol, states)))
        return table

    def _build_symbol(self, state: State) -> Text:
        symbol, ascii_symbol, style = SYMBOLS[state]
        return Text(ascii_symbol if self.console.options.ascii_only else symbol, style=style)

    def _print(self, text: Text) -> None:
        self.console.print(text, highlight=False)


def _build_running_table(cells: Mapping[str, RunningCell], *, width: int) -> Table:
    """Return a row for each running cell; the name of its network is cut so that the rest fits `width`."""
    now = time.monotonic()
    rows = [_describe_cell(label, cell, now) for label, cell in cells.items()]
    column_widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rest_width = sum(COLUMN_GAP + column_width for column_width in column_widths[1:])
    name_width = max(MIN_NAME_WIDTH, min(column_widths[0], width - rest_width))
    table = Table.grid(padding=(0, COLUMN_GAP, 0, 0))
    for column_width in (name_width, *column_widths[1:]):
        table.add_column(width=column_width, no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _describe_cell(label: str, cell: RunningCell, now: float) -> tuple[str, ...]:
    """Return the network of a running cell, the rest of its label, epoch, accuracy and time left."""
    network, _, split = label.partition(LABEL_SEPARATOR)
    accuracy, seconds_left = cell.validation_accuracy, cell.estimate_seconds_left(now)
    return (
        network,
        split,
        f"epoch {cell.epoch}/{cell.max_epochs}" if cell.max_epochs else "test only",
        "" if accuracy is None else f"val {100 * accuracy:.1f} %",
        "" if seconds_left is None else f"{format_duration(seconds_left)} left",
    )


def create_progress(console: Console, study: str, *, cells: Iterable[str]) -> PlainProgress | LiveProgress:
    """Return the live view of the cells with these labels on a terminal, else plain lines."""
    labels = tuple(cells)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveProgress(console, study, cells=labels)
    return PlainProgress(console, study, cells=len(labels))
