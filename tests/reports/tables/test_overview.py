from dataclasses import replace

import numpy as np
import pytest

from reports.outcomes import evaluate_study
from reports.tables.overview import build_forest_figure, build_overview_table
from studies.results import RunResult
from studies.spec import Metric, RunSpec
from tests.reports.conftest import Factory


def _answer(factory: type[Factory], spec: RunSpec) -> RunResult:
    better = 8 if spec.architecture.name == "proposed" else 5
    return factory.run_from_correctness(spec, [clip % 10 < better for clip in range(80)], subjects=8)


def test_the_difference_from_the_reference_is_in_the_row_of_the_other_network(factory: type[Factory]) -> None:
    study = factory.study(
        only=("vgg16", "proposed", "alexnet"), protocols=("subject",), seeds=(0, 1, 2, 3, 4)
    )
    evaluation = evaluate_study(factory.finish(study, lambda spec: _answer(factory, spec)))

    table = build_overview_table(evaluation)

    rows = dict(zip(factory.column(table, "Network"), factory.column(table, "Compared"), strict=True))
    assert rows["vgg16"] == "proposed − vgg16"
    assert rows["alexnet"] == "proposed − alexnet"
    assert rows["proposed"] == "–"
    verdicts = dict(zip(factory.column(table, "Network"), factory.column(table, "Verdict"), strict=True))
    assert verdicts["vgg16"] == "better"
    assert {"Clip overlap", "Subject overlap"} <= set(table.header)


def test_a_rung_is_compared_with_the_rung_before(factory: type[Factory]) -> None:
    study = factory.study("ablation", protocols=("frame", "subject"), seeds=(0, 1))
    evaluation = evaluate_study(factory.finish(study, lambda spec: _answer(factory, spec)))

    table, figure = build_overview_table(evaluation), build_forest_figure(evaluation)

    assert factory.column(table, "Compared")[:2] == ["–", "vgg16+cbam − vgg16"]
    assert figure is not None
    assert figure.is_narrow
    assert set(figure.run_keys) == {run.spec.key for run in evaluation.result.results}
    assert "proposed − vgg16+cbam+residual+separable +30.00" in figure.alt_text


def test_nothing_finished_has_no_forest(factory: type[Factory]) -> None:
    assert build_forest_figure(evaluate_study(factory.finish(factory.study(), lambda spec: None))) is None


@pytest.mark.parametrize(("metric", "header"), [("accuracy", "UAR, %"), ("uar", "UAR, %"), ("uf1", "UF1, %")])
def test_second_score_is_the_uar_or_the_uf1_if_verdicts_use_it(
    factory: type[Factory], metric: Metric, header: str
) -> None:
    study = replace(factory.study(only=("proposed",), protocols=("frame",)), metric=metric)
    table = build_overview_table(evaluate_study(factory.finish(study)))

    matrix = np.array(factory.good)
    correct, truths, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    scores = {"UAR, %": (correct / truths).mean(), "UF1, %": (2 * correct / (truths + predicted)).mean()}
    assert table.header[2:4] == ("Accuracy, %", header)
    assert table.rows[0][2].value == pytest.approx(100 * correct.sum() / matrix.sum())
    assert table.rows[0][3].value == pytest.approx(100 * scores[header])


@pytest.mark.parametrize(("seeds", "is_dashed"), [((0, 1), True), ((0, 1, 2, 3, 4), False)])
def test_forest_says_what_dashed_lines_mean(
    factory: type[Factory], seeds: tuple[int, ...], is_dashed: bool
) -> None:
    study = factory.study(only=("vgg16", "proposed"), protocols=("subject",), seeds=seeds)
    figure = build_forest_figure(evaluate_study(factory.finish(study, lambda spec: _answer(factory, spec))))

    assert figure is not None
    assert any(note.startswith("Dashed: fewer than 5 trainings") for note in figure.notes) == is_dashed
    assert "Cross: no interval." not in figure.notes


def test_forest_says_what_a_cross_means(factory: type[Factory]) -> None:
    study = factory.study(only=("vgg16", "proposed"), protocols=("frame",))
    figure = build_forest_figure(evaluate_study(factory.finish(study)))

    assert figure is not None
    assert "Cross: no interval." in figure.notes
