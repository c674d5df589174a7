"""Events of a small training, as a run sends them to the progress display."""

from harness.progress import Event
from studies.results import Epoch


def epoch_event(number: int) -> Event:
    """Return the event of one finished epoch of three."""
    epoch = Epoch(
        number=number,
        train_loss=0.5,
        train_accuracy=0.5,
        validation_loss=0.5,
        validation_accuracy=0.5,
        seconds=1,
    )
    return Event(kind="epochs", label="net", epochs=(epoch,), max_epochs=3)
