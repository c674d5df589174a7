from dataclasses import replace
from pathlib import Path

from reports.outcomes import evaluate_study
from reports.tables.search_budget import build_budget_figure, build_budget_table
from studies.search import Search
from studies.study import Study
from tests.reports.conftest import Factory


def _tuned_study(factory: type[Factory]) -> Study:
    study = factory.study(protocols=("frame", "subject"))
    searches = tuple(
        Search(
            key=spec.key,
            values=(0.25, 0.5, 0.375),
            pruned=(False, False, True),
            learning_rate=2.5e-4,
            gamma=1.0,
            class_weights="none",
        )
        for spec in study.list_runs()
    )
    return replace(study, searches=searches)


def test_every_run_lists_its_budget_and_gain(factory: type[Factory]) -> None:
    table = build_budget_table(evaluate_study(factory.finish(_tuned_study(factory))))

    assert table is not None
    assert factory.column(table, "Network") == ["vgg16", "proposed", "vgg16", "proposed"]
    assert set(factory.column(table, "Trials")) == {"3"}
    assert set(factory.column(table, "Stopped early")) == {"1"}
    assert (factory.column(table, "Initial, %")[0], factory.column(table, "Best, %")[0]) == ("25.00", "50.00")
    assert factory.column(table, "Learning rate")[0] == "0.00025"


def test_runs_use_the_best_settings(factory: type[Factory]) -> None:
    plain, tuned = factory.study(protocols=("frame", "subject")), _tuned_study(factory)

    assert {spec.training.learning_rate for spec in tuned.list_runs()} == {2.5e-4}
    assert not {spec.key for spec in plain.list_runs()} & {spec.key for spec in tuned.list_runs()}


def test_tuned_study_has_a_budget_figure(factory: type[Factory], tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    figure = build_budget_figure(evaluate_study(factory.finish(_tuned_study(factory))))

    assert figure is not None
    assert figure.draw is not None
    figure.draw(tmp_path / figure.file)
    assert (tmp_path / figure.file).stat().st_size > 5_000
    untuned = evaluate_study(factory.finish(factory.study()))
    assert build_budget_figure(untuned) is None
    assert build_budget_table(untuned) is None
