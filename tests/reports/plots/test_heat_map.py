from math import nan
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from reports.plots import heat_map
from reports.plots.heat_map import HeatMap, draw_heat_maps


def test_numbers_are_written_where_there_is_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(heat_map, "save_figure", lambda figure, path: drawn.append(figure))
    small = HeatMap(title="a", rows=("x", "y"), columns=("1", "2"), percentages=((0.4, nan), (99.6, 50)))
    columns = tuple(f"sub{n}" for n in range(80))
    wide = HeatMap(title="b", rows=("x",), columns=columns, percentages=((10.0,) * 80,))

    draw_heat_maps((small, wide), tmp_path / "a.png")

    first, second = drawn[0].axes
    assert [text.get_text() for text in first.texts] == ["0", "100", "50"]
    assert not second.texts
    assert len(second.get_xticks()) <= heat_map.MAX_NUMBER_COLUMNS
