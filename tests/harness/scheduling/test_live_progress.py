from __future__ import annotations

from io import BytesIO, StringIO, TextIOWrapper

import pytest
from rich.console import Console

from harness.progress import Event, PlainProgress
from harness.scheduling.live_progress import LiveProgress, create_progress
from tests.harness.test_progress import epoch_event

WIDTH = 80
CELLS = tuple(
    f"{network} · subject · seed 0 · fold {fold}/3"
    for fold in (1, 2, 3)
    for network in ("proposed", "vgg16+cbam+residual+separable")
)


def open_terminal(**options: object) -> Console:
    settings = {"file": StringIO(), "force_terminal": True, "width": WIDTH, "color_system": None, **options}
    return Console(**settings)  # type: ignore[arg-type]


def draw(progress: LiveProgress) -> list[str]:
    with progress.console.capture() as capture:
        progress.console.print(progress.render())
    return [line.rstrip() for line in capture.get().splitlines() if line.strip()]


def run_some(progress: LiveProgress) -> None:
    """Reuse the first cell, fail the second, finish the third, and run the next two, one as a test."""
    progress.handle(Event(kind="reused", label=CELLS[0], message="an earlier result"))
    for label in CELLS[1:4]:
        progress.handle(Event(kind="begun", label=label, max_epochs=3))
    progress.handle(Event(kind="failed", label=CELLS[1], message="the loss is not finite"))
    progress.handle(Event(kind="finished", label=CELLS[2], message="accuracy 40.0 %"))
    progress.handle(Event(kind="begun", label=CELLS[4], max_epochs=0))
    event = epoch_event(2)
    progress.handle(Event(kind="epochs", label=CELLS[3], epochs=event.epochs, max_epochs=3))


def test_the_view_has_the_counts_the_running_cells_and_all_cells() -> None:
    progress = LiveProgress(open_terminal(), "first (comparison-x)", cells=CELLS)
    run_some(progress)
    title, counts, trained, tested, *networks = draw(progress)
    assert title == "first (comparison-x)"
    assert counts.startswith("■ 2 done (1 reused)   ▶ 2 running   ✗ 1 failed   · 1 waiting   about ")
    assert trained.split("  ")[:4] == [
        "vgg16+cbam+residu…",
        "subject · seed 0 · fold 2/3",
        "epoch 2/3",
        "val 50.0 %",
    ]
    assert trained.endswith(" s left")
    assert [part.strip() for part in tested.split("  ") if part] == [
        "proposed",
        "subject · seed 0 · fold 3/3",
        "test only",
    ]
    assert [line.split() for line in networks] == [
        ["proposed", "■■▶"],
        ["vgg16+cbam+residual+separable", "✗▶·"],
    ]


def test_the_view_fits_a_narrow_terminal_and_ascii() -> None:
    file = TextIOWrapper(BytesIO(), encoding="ascii", errors="backslashreplace")
    progress = LiveProgress(open_terminal(file=file, width=60), "x" * 70, cells=CELLS)
    run_some(progress)
    lines = draw(progress)
    assert max(map(len, lines)) <= 60
    assert lines[-1].split()[-1] == "x>."


def test_a_line_is_printed_for_each_cell_that_ran_and_each_remark() -> None:
    console = open_terminal()
    with LiveProgress(console, "study", cells=CELLS) as progress:
        run_some(progress)
        progress.handle(Event(kind="remark", message="the store is away"))
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"✗ {CELLS[1]}: the loss" in output.replace("\n", " ")
    assert f"■ {CELLS[2]}: accuracy 40.0 %" in output
    assert "the store is away" in output
    assert "an earlier result" not in output


@pytest.mark.parametrize(
    ("console", "kind"),
    [
        (open_terminal(), LiveProgress),
        (open_terminal(_environ={"TERM": "dumb"}), PlainProgress),
        (Console(file=StringIO()), PlainProgress),
    ],
)
def test_only_a_terminal_that_can_move_its_cursor_gets_the_view(console: Console, kind: type) -> None:
    assert isinstance(create_progress(console, "study", cells=CELLS), kind)
