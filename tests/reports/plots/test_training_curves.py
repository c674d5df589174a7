from dataclasses import replace
from pathlib import Path

import pytest

from reports.plots.style import CurveMetric, make_panel_grid
from reports.plots.training_curves import MIN_LOSS, draw_curves, get_series, style_curve_axes
from studies.results import RunResult
from tests.reports.conftest import Factory


@pytest.fixture
def run(factory: type[Factory]) -> RunResult:
    (spec,) = factory.study(only=("vgg16",)).list_runs()
    return factory.run(spec)


def test_series_holds_the_value_of_every_epoch(run: RunResult) -> None:
    numbers, accuracies = get_series(run, "validation_accuracy")
    assert numbers == [1, 2, 3]
    assert accuracies == pytest.approx([100 * epoch.validation_accuracy for epoch in run.history])


def test_series_of_losses_has_a_positive_minimum_for_the_log_scale(run: RunResult) -> None:
    history = tuple(replace(epoch, train_loss=0.0, train_accuracy=0.0) for epoch in run.history)
    unlearned = replace(run, history=history)
    assert get_series(unlearned, "train_loss")[1] == [MIN_LOSS] * 3
    assert get_series(unlearned, "train_accuracy")[1] == [0.0] * 3


def test_series_of_a_run_without_epochs_is_empty(run: RunResult) -> None:
    assert get_series(replace(run, history=()), "train_loss") == ([], [])


@pytest.mark.parametrize(
    ("metric", "scale", "label"),
    [("accuracy", "linear", "accuracy, %"), ("loss", "log", "loss (log scale)")],
)
def test_axes_are_styled_by_metric(metric: CurveMetric, scale: str, label: str) -> None:
    _, (axes,) = make_panel_grid(1, columns=1, height=2)
    style_curve_axes(axes, metric, max_epochs=7)
    assert (axes.get_yscale(), axes.get_ylabel(), axes.get_xlim()) == (scale, label, (0.5, 7.5))


def test_figure_has_a_panel_for_every_run_and_metric(run: RunResult, tmp_path: Path) -> None:
    draw_curves((run,), tmp_path / "loss.png", metrics=("loss",))
    draw_curves((run,), tmp_path / "both.png", metrics=("accuracy", "loss"))
    assert 0 < (tmp_path / "loss.png").stat().st_size < (tmp_path / "both.png").stat().st_size
