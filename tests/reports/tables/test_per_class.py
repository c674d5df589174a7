from reports.outcomes import evaluate_study
from reports.tables.per_class import build_class_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory


def test_class_scores_include_the_papers_row(factory: type[Factory]) -> None:
    table = build_class_table(evaluate_study(factory.finish(factory.study(protocols=("frame", "subject")))))
    rows = [[cell.text for cell in row] for row in table.rows]

    # disgust: 8 of 10 correct, and one repression clip predicted as disgust.
    cells = ["8", "19", "1", "2", "90.00", "88.89", "80.00", "84.21"]
    assert rows[0] == ["disgust", "frame", *cells, "100.00", "100.00"]
    assert rows[1] == ["disgust", "subject", *cells, "0.00", "0.00"]
    assert rows[2] == [
        "disgust",
        'Paper, "Disgust"',
        *["416", "648", "9", "1", "99.07", "97.88", "99.76", "98.81"],
        "–",
        "–",
    ]
    assert rows[5][:3] == ["fear", 'Paper, "Pleasure"', "14"]
    assert len(rows) == 6 * 3
    assert table.paper_items == ("Table 5",)


def test_cells_are_averaged_by_seed(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.run(spec, factory.good if spec.seed else factory.collapsed)

    table = build_class_table(evaluate_study(factory.finish(factory.study(seeds=(0, 1)), choose)))

    assert [factory.replace_no_break_spaces(cell.text) for cell in table.rows[0][2:6]] == [
        "9 ± 1.4",
        "9.5 ± 13.4",
        "10.5 ± 13.4",
        "1 ± 1.4",
    ]
    assert factory.replace_no_break_spaces(table.rows[0][8].text) == "90.00 ± 14.14"
    assert "collapsed in 1 of 2 seeds" in table.title


def test_class_absent_from_the_test_has_counts_but_no_ratios(factory: type[Factory]) -> None:
    matrix = [list(row) for row in factory.good]
    matrix[1] = [0] * 6

    table = build_class_table(
        evaluate_study(factory.finish(factory.study(dataset="mine"), lambda spec: factory.run(spec, matrix)))
    )

    assert [cell.text for cell in table.rows[1][2:10]] == ["0", "27", "1", "0", "–", "–", "–", "–"]
    assert any("Absent from a test set under frame" in n and n.endswith(": fear.") for n in table.notes)


def test_another_network_has_no_rows_of_the_paper(factory: type[Factory]) -> None:
    table = build_class_table(evaluate_study(factory.finish(factory.study())), "vgg16")

    assert set(factory.column(table, "Protocol")) == {"frame"}


def test_papers_rows_without_a_matching_class_are_named(factory: type[Factory]) -> None:
    classes = ("joy", *factory.classes[1:])

    table = build_class_table(
        evaluate_study(factory.finish(factory.study(), lambda spec: factory.run(spec, classes=classes)))
    )

    assert "Rows of the paper whose class this study does not have: Disgust." in table.notes


def test_failed_run_is_labelled(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult | str:
        return factory.run(spec) if spec.architecture.name == "vgg16" else "no memory"

    table = build_class_table(evaluate_study(factory.finish(factory.study(dataset="mine"), choose)))

    assert factory.column(table, "Accuracy") == ["failed"] * 6
    assert "proposed under frame, seed 0: failed: no memory" in table.notes
