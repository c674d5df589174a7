from dataclasses import replace
from pathlib import Path

from reports.outcomes import evaluate_study
from reports.tables.search_budget import build_budget_figure, build_budget_table
from studies.search import Search
from studies.study import Study
from tests.reports.conftest import Built


def _tuned(built: type[Built]) -> Study:
    study = built.study(protocols=("frame", "subject"))
    found = tuple(
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
    return replace(study, searches=found)


def test_every_run_tells_its_budget_and_what_it_bought(built: type[Built]) -> None:
    table = build_budget_table(evaluate_study(built.finish(_tuned(built))))

    assert table is not None
    assert built.column(table, "Network") == ["vgg16", "proposed", "vgg16", "proposed"]
    assert set(built.column(table, "Trials")) == {"3"}
    assert set(built.column(table, "Stopped early")) == {"1"}
    assert (built.column(table, "Initial, %")[0], built.column(table, "Best, %")[0]) == ("25.00", "50.00")
    assert built.column(table, "Learning rate")[0] == "0.00025"


def test_the_settings_found_are_those_of_the_runs(built: type[Built]) -> None:
    plain, tuned = built.study(protocols=("frame", "subject")), _tuned(built)

    assert {spec.training.learning_rate for spec in tuned.list_runs()} == {2.5e-4}
    assert not {spec.key for spec in plain.list_runs()} & {spec.key for spec in tuned.list_runs()}


def test_the_curve_is_drawn_and_an_untuned_study_has_none(built: type[Built], tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    figure = build_budget_figure(evaluate_study(built.finish(_tuned(built))))

    assert figure is not None
    assert figure.draw is not None
    figure.draw(tmp_path / figure.file)
    assert (tmp_path / figure.file).stat().st_size > 5_000
    untuned = evaluate_study(built.finish(built.study()))
    assert build_budget_figure(untuned) is None
    assert build_budget_table(untuned) is None
