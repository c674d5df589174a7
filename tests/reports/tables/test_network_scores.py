from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.tables.network_scores import build_paper_table, build_score_table, build_size_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Built

SCORES = ("Accuracy", "Precision", "Recall (UAR)", "F1 (UF1)")


def test_scores_by_hand(built: type[Built]) -> None:
    table = build_score_table(evaluate_study(built.finish(built.study(only=("proposed",)))))

    recall = (8 / 10 + 1 + 1 + 4 / 5 + 1 / 2 + 1) / 6
    precision = (8 / 9 + 2 / 3 + 1 + 1 + 1 + 5 / 7) / 6
    f1 = (16 / 19 + 4 / 5 + 1 + 8 / 9 + 2 / 3 + 10 / 12) / 6
    by_hand = [26 / 30, precision, recall, f1]
    assert [built.column(table, name) for name in SCORES] == [[f"{100 * x:.2f}"] for x in by_hand]
    assert built.column(table, "Test") == ["30 frames"]


def test_protocols_stand_side_by_side_with_their_leaks(built: type[Built]) -> None:
    study = built.study(protocols=("frame", "subject"))

    table = build_score_table(evaluate_study(built.finish(study, lambda spec: built.run(spec, frames=2))))

    assert built.column(table, "Protocol") == ["frame", "subject"] * 2
    assert built.column(table, "Clip overlap") == ["100.00", "0.00"] * 2
    assert built.column(table, "Subject overlap") == ["100.00", "0.00"] * 2
    assert built.column(table, "Test")[:2] == ["60 frames", "30 clips"]
    assert built.column(table, "Accuracy by frame") == ["86.67"] * 4


def test_the_papers_scores_and_how_far_ours_are_from_them(built: type[Built]) -> None:
    table = build_paper_table(evaluate_study(built.finish(built.study())))

    assert table is not None
    assert built.column(table, "Paper: accuracy") == ["94.41", "98.23"]
    assert built.column(table, "Δ accuracy") == ["-7.74", "-11.56"]
    assert built.column(table, "Paper: F1") == ["92.33", "98.69"]
    assert built.column(table, "Clip overlap") == ["100.00", "100.00"]
    assert table.rows[0][table.header.index("Δ accuracy")].value == pytest.approx(100 * 26 / 30 - 94.41)
    assert table.paper_items == ("Table 6",)


def test_synthetic_scores_stand_beside_the_papers_without_a_difference(built: type[Built]) -> None:
    table = build_paper_table(evaluate_study(built.finish(built.study(dataset="synthetic"))))

    assert table is not None
    assert built.column(table, "Paper (CASME II): accuracy") == ["94.41", "98.23"]
    assert not [name for name in table.header if "Δ" in name]
    assert table.paper_items == ("Table 6 (CASME II)",)


def test_a_set_of_ones_own_has_nothing_beside_it(built: type[Built]) -> None:
    study = evaluate_study(built.finish(built.study(dataset="mine")))

    assert build_paper_table(study) is None
    assert build_score_table(study).paper_items == ()


def test_a_network_that_the_paper_does_not_know_has_no_difference(built: type[Built]) -> None:
    study = built.study(only=("vgg16-bn-gap",))

    table = build_paper_table(evaluate_study(built.finish(study)))

    assert table is not None
    assert built.column(table, "Paper: accuracy") == built.column(table, "Δ accuracy") == ["–"]


def test_failed_unrun_and_collapsed_are_said_in_the_cell_and_the_notes(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> Any:
        found = {"vgg16": built.run(spec, built.collapsed), "alexnet": "out | of memory", "resnet34": None}
        return found.get(spec.architecture.name, built.run(spec))

    study = built.study(only=("vgg16", "alexnet", "resnet34", "proposed"))
    found = evaluate_study(built.finish(study, choose))

    for table in (build_score_table(found), build_paper_table(found)):
        assert table is not None
        name = "Accuracy" if "Accuracy" in table.header else "Ours: accuracy"
        assert built.column(table, name) == ["33.33", "failed", "not run", "86.67"]
        assert built.column(table, "Network")[0] == "vgg16 (collapsed)"
        assert "alexnet under frame, seed 0: failed: out | of memory" in table.notes
        assert "resnet34 under frame: 1 run not run yet" in table.notes
    assert any(
        "Always predicting disgust would give 33.33 %" in note for note in build_score_table(found).notes
    )


def test_several_seeds_are_a_mean_with_its_deviation(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.run(spec, built.good if spec.seed else built.collapsed)

    table = build_score_table(
        evaluate_study(built.finish(built.study(only=("proposed",), seeds=(0, 1)), choose))
    )

    # 10/30 and 26/30: mean 60 %, sample deviation (16/30) / sqrt(2).
    assert built.column(table, "Accuracy") == ["60.00 ± 37.71"]
    assert built.column(table, "Test") == ["30 frames × 2 seeds"]
    assert len(table.rows[0][3].run_keys) == 2


def test_seeds_that_are_not_there_are_counted(built: type[Built]) -> None:
    table = build_score_table(
        evaluate_study(
            built.finish(
                built.study(only=("proposed",), seeds=(0, 1, 2)),
                lambda spec: built.run(spec) if spec.seed < 2 else "no memory",
            )
        )
    )

    assert built.column(table, "Test") == ["30 frames × 2 of 3 seeds"]
    assert "proposed under frame, seed 2: failed: no memory" in table.notes


def test_every_score_leads_to_its_runs(built: type[Built]) -> None:
    result = built.finish(built.study())
    table = build_score_table(evaluate_study(result))

    for row, run in zip(table.rows, result.results, strict=True):
        assert {cell.run_keys for cell in row if cell.value is not None} == {(run.spec.key,)}


def test_sizes_come_from_the_runs(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return built.run(spec, built.collapsed) if spec.architecture.name == "vgg16" else built.run(spec)

    table = build_size_table(evaluate_study(built.finish(built.study(), choose)))

    assert table is not None
    assert built.column(table, "Network") == ["vgg16 (collapsed under frame)", "proposed"]
    assert built.column(table, "MiB") == ["5.00", "8.00"]
    assert build_size_table(evaluate_study(built.finish(built.study(), lambda spec: None))) is None


def test_a_reduced_study_says_so(built: type[Built]) -> None:
    table = build_score_table(evaluate_study(built.finish(built.study(width=0.25))))

    assert "Not the paper's settings: width 0.25 for the networks that scale." in table.notes
    assert built.column(table, "Network") == ["vgg16 (width 0.25)", "proposed (width 0.25)"]
