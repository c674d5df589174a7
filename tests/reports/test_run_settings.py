from dataclasses import replace
from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.run_settings import build_run_index_table, describe_settings, format_hours
from studies.search import Search
from studies.spec import RunSpec
from tests.reports.conftest import Built


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (61.6, "0:01:02"), (36_000, "10:00:00")])
def test_durations(seconds: float, text: str) -> None:
    assert format_hours(seconds) == text


def test_a_row_a_run_that_leads_to_its_record(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> Any:
        found = {"vgg16": built.run(spec, built.collapsed), "alexnet": "no memory", "resnet34": None}
        return found.get(spec.architecture.name, built.run(spec))

    result = built.finish(built.study(only=("vgg16", "alexnet", "resnet34", "proposed")), choose)
    table = build_run_index_table(evaluate_study(result))

    assert built.column(table, "Key") == [spec.key for spec in result.study.list_runs()]
    assert built.column(table, "MLflow run") == ["run-0", "–", "–", "run-1"]
    assert built.column(table, "Best epoch") == ["3", "failed", "not run", "3"]
    assert built.column(table, "Seconds") == ["6.2", "–", "–", "6.2"]
    assert built.column(table, "Collapsed") == ["collapsed", "–", "–", "no"]


def test_settings_say_when_the_runs_ended(built: type[Built]) -> None:
    def choose(spec: RunSpec) -> Any:
        day = {"vgg16": "02", "alexnet": "04", "proposed": "03"}.get(spec.architecture.name)
        return replace(built.run(spec), end_time=f"2026-01-{day}T03:04:05Z" if day else "")

    names = ("vgg16", "alexnet", "resnet34", "proposed")
    *_, last = describe_settings(evaluate_study(built.finish(built.study(only=names), choose)))
    assert last.endswith("; runs ended 2026-01-02T03:04:05Z to 2026-01-04T03:04:05Z (UTC)")
    *_, last = describe_settings(evaluate_study(built.finish(built.study(only=("proposed",)))))
    assert last.endswith("of run time")


def test_settings_name_what_was_run_and_where(built: type[Built]) -> None:
    text = "\n".join(
        describe_settings(evaluate_study(built.finish(built.study(protocols=("frame", "subject")))))
    )

    assert "Networks: vgg16, proposed" in text
    assert "Protocol subject: 7:2:1 over subjects" in text
    assert "Adam, learning rate 0.001, batch 32, at most 100 epochs" in text
    assert "cpu; Linux; 2 threads; torch 2.6.0; commit abc1234" in text
    assert "Runs: 4 finished, 0 failed, 0 not run; 0:00:25" in text


def test_a_check_that_is_no_test_tells_nothing_of_a_test(built: type[Built]) -> None:
    study = replace(built.study(only=("proposed",)), checks=("cross-entropy", "robustness", "latency"))
    table = build_run_index_table(evaluate_study(built.finish(study)))

    assert [name.partition(" ")[2] for name in built.column(table, "Network")] == [
        "",
        "(cross-entropy)",
        "(robustness)",
        "(latency)",
    ]
    assert built.column(table, "Collapsed") == ["no", "no", "–", "–"]
    assert built.column(table, "Test frames")[2:] == ["–", "–"]


def test_settings_say_that_a_search_has_found_others(built: type[Built]) -> None:
    search = Search(
        key="k", values=(0.5,), pruned=(False,), learning_rate=1e-4, gamma=1.0, class_weights="none"
    )
    plain = built.study()
    tuned = replace(plain, searches=(search,))

    assert any(text.startswith("Tuned: ") for text in describe_settings(evaluate_study(built.finish(tuned))))
    assert not any(
        text.startswith("Tuned: ") for text in describe_settings(evaluate_study(built.finish(plain)))
    )
