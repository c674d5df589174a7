from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reports.plots.confusion_matrices import draw_confusion_matrices
from reports.plots.image_panels import draw_augmentation_strip, draw_sample_sheet
from reports.plots.style import format_network_name, make_panel_grid
from reports.plots.training_curves import draw_curves, style_curve_axes
from tests.reports.conftest import Factory


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return image.size


def _images(count: int) -> Any:
    return np.random.default_rng(0).integers(0, 255, (count, 3, 8, 8), dtype=np.uint8)


def test_sheet_grows_by_rows_of_six(tmp_path: Path) -> None:
    draw_sample_sheet(_images(6), ["a"] * 6, tmp_path / "six.png")
    draw_sample_sheet(_images(7), ["a"] * 7, tmp_path / "seven.png")

    width, height = _size(tmp_path / "six.png")
    assert width >= 900
    assert _size(tmp_path / "seven.png") == (width, 2 * height)


def test_sheet_needs_one_title_per_image(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        draw_sample_sheet(_images(2), ["a"], tmp_path / "x.png")


def test_strip_shows_the_original_and_its_draws(tmp_path: Path) -> None:
    draw_augmentation_strip(_images(1)[0], _images(4), tmp_path / "strip.png")

    assert _size(tmp_path / "strip.png")[0] >= 900


def test_same_results_are_the_same_bytes(factory: type[Factory], tmp_path: Path) -> None:
    results = factory.finish(factory.study()).results
    for name in ("a.png", "b.png"):
        draw_confusion_matrices(results, tmp_path / name)

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_other_predictions_give_another_figure(factory: type[Factory], tmp_path: Path) -> None:
    (spec,) = factory.study(only=("vgg16",)).list_runs()
    for name, matrix in (("good.png", factory.good), ("collapsed.png", factory.collapsed)):
        draw_confusion_matrices((factory.run(spec, matrix),), tmp_path / name)

    assert (tmp_path / "good.png").read_bytes() != (tmp_path / "collapsed.png").read_bytes()


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ((0.02, 1.5), {"0.1", "1"}),
        ((1.236, 1.244), {"1.24"}),
        ((0.021, 0.028), {"0.025"}),
    ],
)
def test_losses_are_written_as_people_write_them(losses: tuple[float, float], expected: set[str]) -> None:
    _, (axes,) = make_panel_grid(1, columns=1, height=2)
    axes.plot([1, 2], losses)
    style_curve_axes(axes, "loss", max_epochs=2)

    labels = [*axes.get_yticklabels(), *axes.get_yticklabels(minor=True)]
    assert {text.get_text() for text in labels} >= expected


def test_collapsed_run_is_labelled(factory: type[Factory]) -> None:
    (spec,) = factory.study(only=("vgg16",)).list_runs()

    assert format_network_name(factory.run(spec)) == "vgg16"
    assert format_network_name(factory.run(spec, factory.collapsed)) == "vgg16 (collapsed)"


def test_curves_of_one_run_and_of_one_epoch_with_no_loss(factory: type[Factory], tmp_path: Path) -> None:
    (spec,) = factory.study(only=("vgg16",)).list_runs()
    run = factory.run(spec)
    first = replace(run.history[0], train_loss=0.0, validation_loss=0.0)

    draw_curves((replace(run, history=(first,), best_epoch=1),), tmp_path / "curves.png")

    assert _size(tmp_path / "curves.png")[0] >= 900
