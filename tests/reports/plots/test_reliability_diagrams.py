from pathlib import Path

import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from reports.outcomes import evaluate_study
from reports.plots import reliability_diagrams
from reports.plots.reliability_diagrams import draw_reliability_diagrams
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def test_panel_per_network_has_bins_of_all_seeds(
    factory: type[Factory], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr(reliability_diagrams, "save_figure", lambda figure, path: figures.append(figure))

    def choose(spec: RunSpec) -> RunResult:
        return factory.run(spec, factory.good if spec.seed == 0 else factory.collapsed)

    study = evaluate_study(factory.finish(factory.study(seeds=(0, 1)), choose))
    draw_reliability_diagrams(study.outcomes, tmp_path / "a.png")

    first, second = figures[0].axes
    assert (first.get_title(), second.get_title()) == (
        "vgg16 (collapsed in 1 of 2 seeds)",
        "proposed (collapsed in 1 of 2 seeds)",
    )
    # Every confidence is 0.9. Correct: 26 of 30 frames in seed 0, and the 10 of class 0 in seed 1.
    accuracy = next(line for line in first.lines if line.get_label() == "accuracy")
    assert accuracy.get_xydata().ravel().tolist() == pytest.approx([90, 60])  # type: ignore[union-attr]
    (bar,) = first.patches
    assert bar.get_height() == 100  # type: ignore[attr-defined]


def test_diagram_is_reproducible_and_leaves_no_open_figure(factory: type[Factory], tmp_path: Path) -> None:
    study = evaluate_study(factory.finish(factory.study()))

    for name in ("a", "b"):
        draw_reliability_diagrams(study.outcomes, tmp_path / name)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes().startswith(b"\x89PNG")
    assert pyplot.get_fignums() == []
