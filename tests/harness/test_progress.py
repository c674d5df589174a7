from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from harness.progress import Event, PlainProgress, RunningCell
from studies.results import Epoch


def epoch_event(number: int) -> Event:
    epoch = Epoch(
        number=number,
        train_loss=0.5,
        train_accuracy=0.5,
        validation_loss=0.5,
        validation_accuracy=0.5,
        seconds=1,
    )
    return Event(kind="epochs", label="net", epochs=(epoch,), max_epochs=3)


def test_remaining_time_appears_with_an_estimate() -> None:
    file = StringIO()
    progress = PlainProgress(Console(file=file), "study", cells=1)
    progress.handle(Event(kind="begun", label="net", max_epochs=3))
    resumed = (*epoch_event(1).epochs, *epoch_event(2).epochs)
    progress.handle(replace(epoch_event(2), epochs=resumed))
    progress.handle(epoch_event(3))
    lines = file.getvalue().splitlines()
    assert lines[0] == "study study: 1 cell"
    assert lines[2] == "  resumed after epoch 2/3  loss 0.5000  val 50.0 %"
    assert lines[3].startswith("  epoch 3/3  loss 0.5000  val 50.0 %  about ")
    assert lines[3].endswith(" left")


def test_a_long_training_prints_few_of_its_epochs() -> None:
    file = StringIO()
    progress = PlainProgress(Console(file=file), "study", cells=1)
    progress.handle(Event(kind="begun", label="net", max_epochs=95))
    for number in range(1, 96):
        progress.handle(replace(epoch_event(number), max_epochs=95))
    numbers = [int(line.split("/")[0].split()[-1]) for line in file.getvalue().splitlines()[2:]]
    assert numbers == [*range(1, 11), *range(20, 91, 10), 95]


def test_time_left_of_a_cell_falls_between_two_epochs() -> None:
    cell = RunningCell(start=100.0, epoch_time=120.0, max_epochs=5, epoch=2)
    assert cell.estimate_seconds_left(120.0) == 30.0
    assert cell.estimate_seconds_left(125.0) == 25.0
    assert cell.estimate_seconds_left(500.0) == 0.0
    assert RunningCell(start=0.0, epoch_time=0.0, max_epochs=5).estimate_seconds_left(9.0) is None
