from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from reports.plots import forest_plot
from reports.plots.forest_plot import ForestGroup, ForestRow, draw_forest_plot


def test_the_margin_and_every_interval_are_inside_the_axis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(forest_plot, "save_figure", lambda figure, path: drawn.append(figure))
    rows = tuple(
        ForestRow(
            label=f"arm {n} " + "long name " * 8, value=3 * n, low=2.0 * n, high=4.0 * n, verdict="better"
        )
        for n in range(15)
    )
    missing = ForestRow(label="no interval", value=1.0, low=None, high=None)

    draw_forest_plot(
        (ForestGroup(title="frame", rows=rows), ForestGroup(title="kfold", rows=(missing,))),
        tmp_path / "a.png",
        margin=5,
        label="difference",
    )

    (axes,) = drawn[0].axes
    low, high = axes.get_xlim()
    assert low < -5
    assert high > 56
    assert len(axes.collections) == 16  # a band of the margin in each row
    assert [line for line in axes.lines if line.get_marker() == "x"]


def test_only_the_interval_of_these_networks_alone_is_dashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(forest_plot, "save_figure", lambda figure, path: drawn.append(figure))
    rows = tuple(
        ForestRow(label="a − b", value=0.0, low=-1.0, high=1.0, is_conditional=is_conditional)
        for is_conditional in (True, False)
    )

    draw_forest_plot((ForestGroup(title="f", rows=rows),), tmp_path / "a.png", margin=5, label="x")

    (axes,) = drawn[0].axes
    intervals = [line for line in axes.lines if np.array_equal(line.get_xdata(), [-1.0, 1.0])]
    assert sorted(line.get_linestyle() for line in intervals) == ["-", "--"]


def test_a_plot_is_written_as_png_and_as_pdf(tmp_path: Path) -> None:
    groups = (ForestGroup(title="f", rows=(ForestRow(label="a − b", value=0.0, low=-1.0, high=1.0),)),)

    for name, start in (("a.png", b"\x89PNG"), ("a.pdf", b"%PDF"), ("b.pdf", b"%PDF")):
        draw_forest_plot(groups, tmp_path / name, margin=5, label="x")
        assert (tmp_path / name).read_bytes().startswith(start)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
