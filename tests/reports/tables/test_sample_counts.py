from datasets.spec import Leakage
from reports.outcomes import evaluate_study
from reports.tables.sample_counts import build_leakage_table, build_sample_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built


def test_counts_each_part_of_each_protocol_beside_table_2(built: type[Built]) -> None:
    table = build_sample_table(evaluate_study(built.finish(built.study(protocols=("frame", "subject")))))
    rows = [[cell.text for cell in row] for row in table.rows]

    assert len(rows) == 2 * (6 + 1)
    assert rows[0] == ["frame", "disgust", "70", "20", "10", "100", "2,058"]
    assert rows[6] == ["frame", "total", "210", "60", "30", "300", "6,051"]
    assert rows[7][:2] == ["subject", "disgust"]
    assert table.header[-1] == "Paper"
    assert all(cell.run_keys for cell in table.rows[0][2:6])


def test_a_stand_in_is_named_and_a_strange_class_has_no_count(built: type[Built]) -> None:
    classes = ("joy", *built.classes[1:])
    study = built.study(dataset="synthetic")

    table = build_sample_table(
        evaluate_study(built.finish(study, lambda spec: built.run(spec, classes=classes)))
    )

    assert table.header[-1] == "Paper (CASME II)"
    assert built.column(table, "Paper (CASME II)")[:2] == ["–", "127"]
    assert any("cannot be compared" in note for note in table.notes)
    assert "Classes of the paper that are missing in this study: disgust." in table.notes


def test_a_set_of_ones_own_has_no_paper_column(built: type[Built]) -> None:
    table = build_sample_table(evaluate_study(built.finish(built.study(dataset="mine"))))

    assert table.header[-1] == "All"
    assert table.paper_items == ()


def test_unknown_leaks_are_no_zeros_and_no_clean_audit(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        run = built.run(spec)
        if spec.protocol == "subject":
            return run
        return built.nameless(run, "clip", "subject", leakage=Leakage(clip=0.0, subject=0.0))

    table = build_leakage_table(
        evaluate_study(built.finish(built.study(protocols=("frame", "subject")), choose))
    )

    assert [[cell.text for cell in row] for row in table.rows] == [
        ["frame", "30", "unknown", "unknown"],
        ["subject", "30", "0.00", "0.00"],
    ]
    assert table.notes[1].startswith("Audit of frame: clip and subject unknown")
    assert table.notes[2] == "Audit of subject: clean."
    assert table.notes[3].startswith("Digest of the test list")


def test_leaks_of_each_protocol(built: type[Built]) -> None:
    table = build_leakage_table(
        evaluate_study(built.finish(built.study(protocols=("frame", "clip", "subject"))))
    )

    assert [[cell.text for cell in row] for row in table.rows] == [
        ["frame", "30", "100.00", "100.00"],
        ["clip", "30", "0.00", "87.50"],
        ["subject", "30", "0.00", "0.00"],
    ]
