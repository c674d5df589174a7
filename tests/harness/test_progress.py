from __future__ import annotations

from io import StringIO

from rich.console import Console

from harness.progress import Event, PlainProgress
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
    progress.remaining.resume_cell("net", epoch=1)
    progress.handle(epoch_event(1))
    progress.handle(epoch_event(2))
    lines = file.getvalue().splitlines()
    assert lines[0] == "study study: 1 cell"
    assert lines[2] == "  epoch 1/3  loss 0.5000  val 50.0 %"
    assert lines[3].startswith("  epoch 2/3  loss 0.5000  val 50.0 %  about ")
    assert lines[3].endswith(" left")
