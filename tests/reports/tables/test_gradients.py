from dataclasses import replace
from pathlib import Path

import pytest

from reports.outcomes import StudyEvaluation, evaluate_study
from reports.tables.gradients import build_gradient_figure, build_gradient_table, compute_gradient_ratio
from studies.arms import build_ablation_arms
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

Ratios = tuple[float | None, ...]


def _with_ratios(run: RunResult, ratios: Ratios) -> RunResult:
    epochs = [replace(run.history[0], number=n, gradient_ratio=ratio) for n, ratio in enumerate(ratios, 1)]
    return replace(run, history=tuple(epochs))


def _evaluate(factory: type[Factory], skips: Ratios, plain: Ratios) -> StudyEvaluation:
    """Evaluate the controlled ladder; `skips` and `plain` are the ratios with and without skips."""
    study = replace(
        factory.study("ablation", protocols=("subject",), seeds=(0, 1)),
        design="controlled",
        arms=build_ablation_arms("controlled"),
    )

    def choose(spec: RunSpec) -> RunResult:
        return _with_ratios(factory.run(spec), skips if spec.architecture.block.residual else plain)

    return evaluate_study(factory.finish(study, choose))


@pytest.mark.parametrize(
    ("ratios", "expected"), [((0.1, 10.0), 1.0), ((0.25, None, 0.25), 0.25), ((None,), None), ((), None)]
)
def test_ratio_of_a_run_is_the_geometric_mean_of_its_epochs(
    factory: type[Factory], ratios: Ratios, expected: float | None
) -> None:
    run = factory.run(factory.study().list_runs()[0])
    ratio = compute_gradient_ratio(_with_ratios(run, ratios) if ratios else replace(run, history=()))
    assert ratio == (None if expected is None else pytest.approx(expected))


def test_table_has_a_row_for_every_arm_of_a_matched_pair(factory: type[Factory]) -> None:
    table = build_gradient_table(_evaluate(factory, (0.1, 1.0, 10.0), (0.01, 0.01, 0.01)))
    assert table is not None
    assert factory.column(table, "Skips") == ["no", "yes"]
    assert factory.column(table, "First epoch") == ["0.01", "0.1"]
    assert factory.column(table, "Last epoch") == ["0.01", "10"]
    assert factory.column(table, "All epochs") == ["0.01", "1"]
    assert [row[-1].value for row in table.rows] == pytest.approx([0.01, 1.0])


def test_table_shows_no_value_where_an_epoch_has_no_gradient(factory: type[Factory]) -> None:
    table = build_gradient_table(_evaluate(factory, (None, 0.5), (0.1, 0.1)))
    assert table is not None
    assert factory.column(table, "First epoch") == ["0.1", "–"]


def test_study_without_gradients_or_pairs_has_no_table(factory: type[Factory]) -> None:
    unmeasured = _evaluate(factory, (None,), (None,))
    unpaired = evaluate_study(factory.finish(factory.study(only=("vgg16",))))
    for evaluation in (unmeasured, unpaired):
        assert build_gradient_table(evaluation) is None
        assert build_gradient_figure(evaluation) is None


def test_figure_is_drawn_with_the_names_of_its_networks(factory: type[Factory], tmp_path: Path) -> None:
    figure = build_gradient_figure(_evaluate(factory, (0.5, 0.5), (0.1, 0.1)))
    assert figure is not None
    assert figure.draw is not None
    figure.draw(tmp_path / "ratio.png")
    assert (tmp_path / "ratio.png").is_file()
    assert figure.alt_text.endswith(" of vgg16-bn-gap+cbam, vgg16+cbam+residual")
