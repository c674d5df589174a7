from pathlib import Path

import numpy as np
import pytest

from reports.plots.confusion_matrices import (
    draw_confusion_matrices,
    fill_confusion_axes,
    normalize_rows,
    prepare_confusion_axes,
)
from reports.plots.style import make_panel_grid
from tests.reports.conftest import Factory

COUNTS = np.array([[3, 1, 0], [0, 0, 0], [2, 2, 4]])


def test_rows_are_shares_of_the_true_class_and_an_absent_class_is_zero() -> None:
    expected = np.array([[0.75, 0.25, 0], [0, 0, 0], [0.25, 0.25, 0.5]])
    np.testing.assert_allclose(normalize_rows(COUNTS), expected)


def test_axes_show_counts_and_shares() -> None:
    _, (axes,) = make_panel_grid(1, columns=1, height=2)
    prepare_confusion_axes(axes, ("anger", "fear", "joy"))
    fill_confusion_axes(axes, COUNTS)
    assert [text.get_text() for text in axes.texts] == [str(count) for count in COUNTS.flat if count]
    # Text is white on dark cells only: a share above one half.
    assert [text.get_color() for text in axes.texts] == ["white", *["black"] * 4]
    shares = axes.images[0].get_array()
    assert shares is not None
    np.testing.assert_allclose(shares, normalize_rows(COUNTS))


@pytest.mark.parametrize(
    ("name", "label"), [("repression", "repression"), ("helplessness", "helplessn."), ("$x$", r"\$x\$")]
)
def test_class_name_is_shortened_and_escaped(name: str, label: str) -> None:
    _, (axes,) = make_panel_grid(1, columns=1, height=2)
    prepare_confusion_axes(axes, (name,))
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    assert [text.get_text() for text in labels] == [label, label]


def test_figure_of_a_run_differs_from_that_of_a_collapsed_run(factory: type[Factory], tmp_path: Path) -> None:
    (spec,) = factory.study(only=("vgg16",)).list_runs()
    for name, matrix in (("learned", ((3, 1), (1, 3))), ("collapsed", ((4, 0), (4, 0)))):
        run = factory.run(spec, matrix, classes=("fear", "joy"))
        draw_confusion_matrices((run,), tmp_path / f"{name}.png")
    learned, collapsed = ((tmp_path / f"{name}.png").read_bytes() for name in ("learned", "collapsed"))
    assert learned != collapsed
