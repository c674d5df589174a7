from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.tables.network_scores import build_paper_table, build_score_table, build_size_table
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

SCORES = ("Accuracy", "Precision", "Recall (UAR)", "F1 (UF1)")


def test_scores_by_hand(factory: type[Factory]) -> None:
    table = build_score_table(evaluate_study(factory.finish(factory.study(only=("proposed",)))))

    recall = (8 / 10 + 1 + 1 + 4 / 5 + 1 / 2 + 1) / 6
    precision = (8 / 9 + 2 / 3 + 1 + 1 + 1 + 5 / 7) / 6
    f1 = (16 / 19 + 4 / 5 + 1 + 8 / 9 + 2 / 3 + 10 / 12) / 6
    by_hand = [26 / 30, precision, recall, f1]
    assert [factory.column(table, name) for name in SCORES] == [[f"{100 * x:.2f}"] for x in by_hand]
    assert factory.column(table, "Test") == ["30 frames"]


def test_protocols_are_rows_with_their_leaks(factory: type[Factory]) -> None:
    study = factory.study(protocols=("frame", "subject"))

    table = build_score_table(evaluate_study(factory.finish(study, lambda spec: factory.run(spec, frames=2))))

    assert factory.column(table, "Protocol") == ["frame", "subject"] * 2
    assert factory.column(table, "Clip overlap") == ["100.00", "0.00"] * 2
    assert factory.column(table, "Subject overlap") == ["100.00", "0.00"] * 2
    assert factory.column(table, "Test")[:2] == ["60 frames", "30 clips"]
    assert factory.column(table, "Accuracy by frame") == ["86.67"] * 4


def test_papers_scores_and_differences_from_them(factory: type[Factory]) -> None:
    table = build_paper_table(evaluate_study(factory.finish(factory.study())))

    assert table is not None
    assert factory.column(table, "Paper: accuracy") == ["94.41", "98.23"]
    assert factory.column(table, "Δ accuracy") == ["-7.74", "-11.56"]
    assert factory.column(table, "Paper: F1") == ["92.33", "98.69"]
    assert factory.column(table, "Clip overlap") == ["100.00", "100.00"]
    assert table.rows[0][table.header.index("Δ accuracy")].value == pytest.approx(100 * 26 / 30 - 94.41)
    assert table.paper_items == ("Table 6",)


def test_synthetic_scores_have_no_difference_from_the_papers(factory: type[Factory]) -> None:
    table = build_paper_table(evaluate_study(factory.finish(factory.study(dataset="synthetic"))))

    assert table is not None
    assert factory.column(table, "Paper (CASME II): accuracy") == ["94.41", "98.23"]
    assert not [name for name in table.header if "Δ" in name]
    assert table.paper_items == ("Table 6 (CASME II)",)


def test_own_dataset_has_no_paper_scores(factory: type[Factory]) -> None:
    study = evaluate_study(factory.finish(factory.study(dataset="mine")))

    assert build_paper_table(study) is None
    assert build_score_table(study).paper_items == ()


def test_network_that_the_paper_does_not_know_has_no_difference(factory: type[Factory]) -> None:
    study = factory.study(only=("vgg16-bn-gap",))

    table = build_paper_table(evaluate_study(factory.finish(study)))

    assert table is not None
    assert factory.column(table, "Paper: accuracy") == factory.column(table, "Δ accuracy") == ["–"]


def test_failed_pending_and_collapsed_runs_are_labelled(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> Any:
        runs = {"vgg16": factory.run(spec, factory.collapsed), "alexnet": "out | of memory", "resnet34": None}
        return runs.get(spec.architecture.name, factory.run(spec))

    study = factory.study(only=("vgg16", "alexnet", "resnet34", "proposed"))
    study_result = evaluate_study(factory.finish(study, choose))

    for table in (build_score_table(study_result), build_paper_table(study_result)):
        assert table is not None
        name = "Accuracy" if "Accuracy" in table.header else "Ours: accuracy"
        assert factory.column(table, name) == ["33.33", "failed", "not run", "86.67"]
        assert factory.column(table, "Network")[0] == "vgg16 (collapsed)"
        assert "alexnet under frame, seed 0: failed: out | of memory" in table.notes
        assert "resnet34 under frame: 1 run not run yet" in table.notes
    assert any(
        "Always predicting disgust would give 33.33 %" in note
        for note in build_score_table(study_result).notes
    )


def test_seeds_give_a_mean_with_its_deviation(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return factory.run(spec, factory.good if spec.seed else factory.collapsed)

    table = build_score_table(
        evaluate_study(factory.finish(factory.study(only=("proposed",), seeds=(0, 1)), choose))
    )

    # 10/30 and 26/30: mean 60 %, sample deviation (16/30) / sqrt(2).
    assert factory.column(table, "Accuracy") == ["60.00 ± 37.71"]
    assert factory.column(table, "Test") == ["30 frames × 2 seeds"]
    assert len(table.rows[0][3].run_keys) == 2


def test_missing_seeds_are_listed(factory: type[Factory]) -> None:
    table = build_score_table(
        evaluate_study(
            factory.finish(
                factory.study(only=("proposed",), seeds=(0, 1, 2)),
                lambda spec: factory.run(spec) if spec.seed < 2 else "no memory",
            )
        )
    )

    assert factory.column(table, "Test") == ["30 frames × 2 of 3 seeds"]
    assert "proposed under frame, seed 2: failed: no memory" in table.notes


def test_every_score_has_its_run_keys(factory: type[Factory]) -> None:
    result = factory.finish(factory.study())
    table = build_score_table(evaluate_study(result))

    for row, run in zip(table.rows, result.results, strict=True):
        assert {cell.run_keys for cell in row if cell.value is not None} == {(run.spec.key,)}


def test_sizes_come_from_the_runs(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> RunResult:
        return (
            factory.run(spec, factory.collapsed) if spec.architecture.name == "vgg16" else factory.run(spec)
        )

    table = build_size_table(evaluate_study(factory.finish(factory.study(), choose)))

    assert table is not None
    assert factory.column(table, "Network") == ["vgg16 (collapsed under frame)", "proposed"]
    assert factory.column(table, "MiB") == ["5.00", "8.00"]
    assert build_size_table(evaluate_study(factory.finish(factory.study(), lambda spec: None))) is None


def test_reduced_study_is_labelled(factory: type[Factory]) -> None:
    table = build_score_table(evaluate_study(factory.finish(factory.study(width=0.25))))

    assert "Not the paper's settings: width 0.25 for the networks that scale." in table.notes
    assert factory.column(table, "Network") == ["vgg16 (width 0.25)", "proposed (width 0.25)"]
