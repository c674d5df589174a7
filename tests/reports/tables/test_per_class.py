from reports.outcomes import evaluate_study
from reports.tables.per_class import build_class_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built


def test_one_class_against_the_rest_with_the_papers_row_among_ours(built: type[Built]) -> None:
    table = build_class_table(evaluate_study(built.finish(built.study(protocols=("frame", "subject")))))
    rows = [[cell.text for cell in row] for row in table.rows]

    # disgust: 8 of 10 correct, and one repression clip predicted as disgust.
    ours = ["8", "19", "1", "2", "90.00", "88.89", "80.00", "84.21"]
    assert rows[0] == ["disgust", "frame", *ours, "100.00", "100.00"]
    assert rows[1] == ["disgust", "subject", *ours, "0.00", "0.00"]
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


def test_seeds_are_averaged_cell_by_cell(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.run(spec, built.good if spec.seed else built.collapsed)

    table = build_class_table(evaluate_study(built.finish(built.study(seeds=(0, 1)), choose)))

    assert [built.plain(cell.text) for cell in table.rows[0][2:6]] == [
        "9 ± 1.4",
        "9.5 ± 13.4",
        "10.5 ± 13.4",
        "1 ± 1.4",
    ]
    assert built.plain(table.rows[0][8].text) == "90.00 ± 14.14"
    assert "collapsed in 1 of 2 seeds" in table.title


def test_a_class_absent_from_the_test_has_counts_but_no_ratios(built: type[Built]) -> None:
    matrix = [list(row) for row in built.good]
    matrix[1] = [0] * 6

    table = build_class_table(
        evaluate_study(built.finish(built.study(dataset="mine"), lambda spec: built.run(spec, matrix)))
    )

    assert [cell.text for cell in table.rows[1][2:10]] == ["0", "27", "1", "0", "–", "–", "–", "–"]
    assert any("Absent from a test set under frame" in n and n.endswith(": fear.") for n in table.notes)


def test_another_network_has_no_rows_of_the_paper(built: type[Built]) -> None:
    table = build_class_table(evaluate_study(built.finish(built.study())), "vgg16")

    assert set(built.column(table, "Protocol")) == {"frame"}


def test_rows_of_the_paper_without_a_class_here_are_named(built: type[Built]) -> None:
    classes = ("joy", *built.classes[1:])

    table = build_class_table(
        evaluate_study(built.finish(built.study(), lambda spec: built.run(spec, classes=classes)))
    )

    assert "Rows of the paper whose class this study does not have: Disgust." in table.notes


def test_what_failed_says_so(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult | str:
        return built.run(spec) if spec.architecture.name == "vgg16" else "no memory"

    table = build_class_table(evaluate_study(built.finish(built.study(dataset="mine"), choose)))

    assert built.column(table, "Accuracy") == ["failed"] * 6
    assert "proposed under frame, seed 0: failed: no memory" in table.notes
