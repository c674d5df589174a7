from functools import partial
from pathlib import Path

from reports.outcomes import evaluate_study
from reports.plots.ablation_bars import draw_ablation_bars
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def test_ablation_bars_show_protocols_seeds_and_gaps(factory: type[Factory], tmp_path: Path) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        runs = {"vgg16": factory.run(spec, factory.collapsed), "vgg16+cbam": None}
        return runs.get(spec.architecture.name, factory.run(spec))

    study = factory.study("ablation", protocols=("frame", "subject"), seeds=(0, 1))
    rows = evaluate_study(factory.finish(study, choose)).outcomes

    draw_ablation_bars(rows, tmp_path / "all.png")
    draw_ablation_bars(rows[2:], tmp_path / "without.png")

    assert (tmp_path / "all.png").read_bytes() != (tmp_path / "without.png").read_bytes()


def test_collapse_is_hatched(factory: type[Factory], tmp_path: Path) -> None:
    # Both have 5 of 30 correct and the same UAR; only one predicts a single class.
    collapsed = [[5, 0, 0, 0, 0, 0]] * 6
    spread = [[1, 1, 1, 1, 1, 0]] * 6

    for name, matrix in (("collapsed.png", collapsed), ("spread.png", spread)):
        result = factory.finish(factory.study("ablation"), partial(factory.run, matrix=matrix))
        draw_ablation_bars(evaluate_study(result).outcomes, tmp_path / name)

    assert (tmp_path / "collapsed.png").read_bytes() != (tmp_path / "spread.png").read_bytes()
