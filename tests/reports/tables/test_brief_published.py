from dataclasses import replace

from datasets.megc2019.constants import CLASSES
from reports.outcomes import evaluate_study
from reports.tables.brief_published import build_brief_published_tables
from studies.results import Prediction, RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def _run(factory: type[Factory], spec: RunSpec) -> RunResult:
    predictions = tuple(
        Prediction(
            id=f"smic/s01/c{label}/1",
            subject="smic/s01",
            clip=f"smic/s01/c{label}",
            truth=label,
            probabilities=tuple(float(c == label) for c in range(3)),
        )
        for label in range(3)
    )
    run = factory.run(spec, ((1, 0, 0), (0, 1, 0), (0, 0, 1)), classes=CLASSES)
    return replace(run, predictions=predictions)


def test_row_has_the_computed_values_and_every_status_of_a_method(factory: type[Factory]) -> None:
    study = factory.study(dataset="megc2019", only=("proposed",), protocols=("loso",))
    result = factory.finish(study, lambda spec: _run(factory, spec))
    (table,) = build_brief_published_tables(evaluate_study(result))

    rows = {row[0].text: tuple(cell.text for cell in row[1:]) for row in table.rows}
    assert rows["STSTNet"] == ("442", "73.53", "71.86", "log scored again, metric mislabelled")
    assert rows["CapsuleNet"] == ("435", "65.20", "65.06", "log scored again, selected on test")
    assert rows["HTNet"] == ("442", "86.03", "84.75", "selected on test")
    assert rows["proposed (loso)"] == ("3", "100.00", "100.00", "this study")
    assert "may not be compared with the published ones: the clip lists differ" in table.notes[0]


def test_other_data_and_a_study_without_results_have_no_table(factory: type[Factory]) -> None:
    other = factory.finish(factory.study())
    empty = factory.finish(factory.study(dataset="megc2019", protocols=("loso",)), lambda _: None)

    assert build_brief_published_tables(evaluate_study(other)) == ()
    assert build_brief_published_tables(evaluate_study(empty)) == ()
