from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from reports.plots.run_figures import draw_run_curves, draw_run_matrix
from studies.results import RunResult
from tests.reports.conftest import Built

Draw = Callable[[RunResult, Path], None]


@pytest.fixture
def run(built: type[Built]) -> RunResult:
    (spec,) = built.study(only=("vgg16",)).list_runs()
    found: RunResult = built.run(spec)
    return found


def others(built: type[Built], run: RunResult) -> list[RunResult]:
    """Return runs whose figures need other scales, markers, ticks and colours."""
    long = tuple(
        replace(run.history[0], number=n, train_loss=10.0**-n, validation_loss=3.0**-n) for n in range(1, 9)
    )
    return [
        built.run(run.spec, built.collapsed),
        replace(run, history=run.history[:1], best_epoch=1),
        replace(run, history=long, best_epoch=8),
    ]


@pytest.mark.parametrize("draw", [draw_run_matrix, draw_run_curves])
def test_a_run_is_the_same_bytes_whatever_was_drawn_before(
    built: type[Built], run: RunResult, tmp_path: Path, draw: Draw
) -> None:
    draw(run, tmp_path / "first.png")
    for other in others(built, run):
        draw(other, tmp_path / "other.png")
        draw(run, tmp_path / "again.png")
        assert (tmp_path / "again.png").read_bytes() == (tmp_path / "first.png").read_bytes()


def test_other_answers_and_other_epochs_are_other_pictures(
    built: type[Built], run: RunResult, tmp_path: Path
) -> None:
    collapsed, short, long = others(built, run)
    for draw, each in ((draw_run_matrix, collapsed), (draw_run_curves, short), (draw_run_curves, long)):
        draw(run, tmp_path / "run.png")
        draw(each, tmp_path / "other.png")
        assert (tmp_path / "run.png").read_bytes() != (tmp_path / "other.png").read_bytes()


def test_a_picture_has_the_size_of_every_other(built: type[Built], run: RunResult, tmp_path: Path) -> None:
    for draw in (draw_run_matrix, draw_run_curves):
        sizes = set()
        for number, each in enumerate([run, *others(built, run)]):
            draw(each, tmp_path / f"{number}.png")
            with Image.open(tmp_path / f"{number}.png") as image:
                assert image.format == "PNG"
                sizes.add(image.size)
        assert len(sizes) == 1


def test_a_matrix_is_that_of_the_runs_own_classes(built: type[Built], run: RunResult, tmp_path: Path) -> None:
    draw_run_matrix(run, tmp_path / "six.png")
    two = built.run(run.spec, ((3, 1), (0, 2)), classes=("happiness", "other"))
    draw_run_matrix(two, tmp_path / "two.png")
    draw_run_matrix(run, tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "six.png").read_bytes()
    assert (tmp_path / "two.png").read_bytes() != (tmp_path / "six.png").read_bytes()
