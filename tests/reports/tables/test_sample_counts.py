from datasets.spec import Leakage
from reports.outcomes import evaluate_study
from reports.tables.sample_counts import build_leakage_table, build_sample_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def test_counts_by_part_and_protocol_include_table_2(factory: type[Factory]) -> None:
    table = build_sample_table(evaluate_study(factory.finish(factory.study(protocols=("frame", "subject")))))
    rows = [[cell.text for cell in row] for row in table.rows]

    assert len(rows) == 2 * (6 + 1)
    assert rows[0] == ["frame", "disgust", "70", "20", "10", "100", "2,058"]
    assert rows[6] == ["frame", "total", "210", "60", "30", "300", "6,051"]
    assert rows[7][:2] == ["subject", "disgust"]
    assert table.header[-1] == "Paper"
    assert all(cell.run_keys for cell in table.rows[0][2:6])


def test_substitute_is_named_and_unknown_class_has_no_count(factory: type[Factory]) -> None:
    classes = ("joy", *factory.classes[1:])
    study = factory.study(dataset="synthetic")

    table = build_sample_table(
        evaluate_study(factory.finish(study, lambda spec: factory.run(spec, classes=classes)))
    )

    assert table.header[-1] == "Paper (CASME II)"
    assert factory.column(table, "Paper (CASME II)")[:2] == ["–", "127"]
    assert any("cannot be compared" in note for note in table.notes)
    assert "Classes of the paper that are missing in this study: disgust." in table.notes


def test_own_dataset_has_no_paper_column(factory: type[Factory]) -> None:
    table = build_sample_table(evaluate_study(factory.finish(factory.study(dataset="mine"))))

    assert table.header[-1] == "All"
    assert table.paper_items == ()


def test_unknown_leaks_are_no_zeros_and_no_clean_audit(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = factory.run(spec)
        if spec.protocol == "subject":
            return run
        return factory.nameless(run, "clip", "subject", leakage=Leakage(clip=0.0, subject=0.0))

    table = build_leakage_table(
        evaluate_study(factory.finish(factory.study(protocols=("frame", "subject")), choose))
    )

    assert [[cell.text for cell in row] for row in table.rows] == [
        ["frame", "30", "unknown", "unknown"],
        ["subject", "30", "0.00", "0.00"],
    ]
    assert table.notes[1].startswith("Audit of frame: clip and subject unknown")
    assert table.notes[2] == "Audit of subject: clean."
    assert table.notes[3].startswith("Digest of the test list")


def test_leaks_by_protocol(factory: type[Factory]) -> None:
    table = build_leakage_table(
        evaluate_study(factory.finish(factory.study(protocols=("frame", "clip", "subject"))))
    )

    assert [[cell.text for cell in row] for row in table.rows] == [
        ["frame", "30", "100.00", "100.00"],
        ["clip", "30", "0.00", "87.50"],
        ["subject", "30", "0.00", "0.00"],
    ]
