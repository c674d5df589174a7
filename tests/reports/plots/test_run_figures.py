from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from reports.plots.run_figures import draw_run_curves, draw_run_matrix
from studies.results import RunResult
from tests.reports.conftest import Factory

Draw = Callable[[RunResult, Path], None]


@pytest.fixture
def run(factory: type[Factory]) -> RunResult:
    (spec,) = factory.study(only=("vgg16",)).list_runs()
    result: RunResult = factory.run(spec)
    return result


def others(factory: type[Factory], run: RunResult) -> list[RunResult]:
    """Return runs whose figures need other scales, markers, ticks and colours."""
    long = tuple(
        replace(run.history[0], number=n, train_loss=10.0**-n, validation_loss=3.0**-n) for n in range(1, 9)
    )
    return [
        factory.run(run.spec, factory.collapsed),
        replace(run, history=run.history[:1], best_epoch=1),
        replace(run, history=long, best_epoch=8),
    ]


@pytest.mark.parametrize("draw", [draw_run_matrix, draw_run_curves])
def test_figure_bytes_do_not_depend_on_earlier_figures(
    factory: type[Factory], run: RunResult, tmp_path: Path, draw: Draw
) -> None:
    draw(run, tmp_path / "first.png")
    for other in others(factory, run):
        draw(other, tmp_path / "other.png")
        draw(run, tmp_path / "again.png")
        assert (tmp_path / "again.png").read_bytes() == (tmp_path / "first.png").read_bytes()


def test_other_predictions_and_epochs_give_other_figures(
    factory: type[Factory], run: RunResult, tmp_path: Path
) -> None:
    collapsed, short, long = others(factory, run)
    for draw, other_run in ((draw_run_matrix, collapsed), (draw_run_curves, short), (draw_run_curves, long)):
        draw(run, tmp_path / "run.png")
        draw(other_run, tmp_path / "other.png")
        assert (tmp_path / "run.png").read_bytes() != (tmp_path / "other.png").read_bytes()


def test_figures_have_equal_sizes(factory: type[Factory], run: RunResult, tmp_path: Path) -> None:
    for draw in (draw_run_matrix, draw_run_curves):
        sizes = set()
        for number, other_run in enumerate([run, *others(factory, run)]):
            draw(other_run, tmp_path / f"{number}.png")
            with Image.open(tmp_path / f"{number}.png") as image:
                assert image.format == "PNG"
                sizes.add(image.size)
        assert len(sizes) == 1


def test_matrix_is_that_of_the_runs_own_classes(
    factory: type[Factory], run: RunResult, tmp_path: Path
) -> None:
    draw_run_matrix(run, tmp_path / "six.png")
    two = factory.run(run.spec, ((3, 1), (0, 2)), classes=("happiness", "other"))
    draw_run_matrix(two, tmp_path / "two.png")
    draw_run_matrix(run, tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "six.png").read_bytes()
    assert (tmp_path / "two.png").read_bytes() != (tmp_path / "six.png").read_bytes()
