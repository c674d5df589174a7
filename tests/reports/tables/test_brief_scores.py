from dataclasses import replace

import pytest

from reports.outcomes import evaluate_study
from reports.table import Table
from reports.tables.brief_scores import OPPOSITES, build_brief_tables
from reports.tables.overview import build_overview_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

FIVE = (0, 1, 2, 3, 4)


def _answer(factory: type[Factory], spec: RunSpec) -> RunResult:
    better = 8 if spec.architecture.name == "proposed" else 5
    return factory.run_from_correctness(spec, [clip % 10 < better for clip in range(80)], subjects=8)


def _map_rows(table: Table) -> dict[str, tuple[str, ...]]:
    return {row[0].text: tuple(cell.text for cell in row[1:]) for row in table.rows}


def test_row_is_compared_with_the_reference_and_not_the_other_way_round(factory: type[Factory]) -> None:
    study = factory.study(only=("vgg16", "proposed", "alexnet"), protocols=("subject", "frame"), seeds=FIVE)
    evaluation = evaluate_study(factory.finish(study, lambda spec: _answer(factory, spec)))

    table, frame_table = build_brief_tables(evaluation)

    rows = _map_rows(table)
    assert table.title == "Under subject (overlap: clip 0 %, subject 0 %)"
    assert frame_table.title == "Under frame (overlap: clip 100 %, subject 100 %)"
    assert rows["proposed"][1:] == ("reference", "")
    assert rows["proposed"][0].startswith("80.0 [")
    assert (rows["vgg16"][1][:7], rows["vgg16"][2]) == ("-30.0 [", "worse")
    assert table.notes[0] == "Difference from proposed, in points of accuracy."
    overview = {
        row[0].text: row[5].text for row in build_overview_table(evaluation).rows if row[1].text == "subject"
    }
    assert overview["vgg16"] == OPPOSITES["worse"]


def test_row_of_a_ladder_is_compared_with_the_row_above(factory: type[Factory]) -> None:
    evaluation = evaluate_study(
        factory.finish(factory.study("ablation", seeds=FIVE), lambda spec: _answer(factory, spec))
    )
    (table,) = build_brief_tables(evaluation)
    rows = _map_rows(table)
    assert rows["vgg16"][1:] == ("reference", "")
    assert rows["vgg16+cbam"][1:] == ("0.0 [0.0 to 0.0]", "equivalent")
    assert (rows["proposed"][1][:7], rows["proposed"][2]) == ("+30.0 [", "better")
    assert table.notes == ("Difference from the row above, in points of accuracy.",)


@pytest.mark.parametrize("seeds", [(0,), FIVE])
def test_table_fits_80_columns(factory: type[Factory], seeds: tuple[int, ...]) -> None:
    """The widest texts of each column, and two spaces between columns; the name of a network may wrap."""
    study = factory.study("ablation", seeds=seeds)
    evaluation = evaluate_study(factory.finish(study, lambda spec: _answer(factory, spec)))
    (table,) = build_brief_tables(evaluation)
    columns = list(zip(table.header, *((cell.text for cell in row) for row in table.rows), strict=True))
    widths = [max(map(len, column)) for column in columns]
    assert sum(widths[1:]) + 2 * len(widths) + len("vgg16+cbam") <= 80
    is_conditional = any("fewer than 5 trainings" in note for note in table.notes)
    assert is_conditional == (len(seeds) == 1)


def test_arm_without_a_result_has_the_status_of_its_runs(factory: type[Factory]) -> None:
    study = factory.study(seeds=FIVE)
    result = factory.finish(
        study, lambda spec: "no memory" if spec.architecture.name == "vgg16" else _answer(factory, spec)
    )
    (table,) = build_brief_tables(evaluate_study(result))
    assert _map_rows(table)["vgg16"] == ("failed",)
    assert table.notes == ()
    assert build_brief_tables(evaluate_study(replace(result, results=()))) == ()
