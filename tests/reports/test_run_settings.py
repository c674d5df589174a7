from dataclasses import replace
from typing import Any

import pytest

from reports.outcomes import evaluate_study
from reports.run_settings import build_run_index_table, describe_settings, format_hours
from studies.search import Search
from studies.spec import RunSpec
from tests.reports.conftest import Factory


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (61.6, "0:01:02"), (36_000, "10:00:00")])
def test_format_durations(seconds: float, text: str) -> None:
    assert format_hours(seconds) == text


def test_run_table_has_a_row_per_run(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> Any:
        outcomes = {"vgg16": factory.run(spec, factory.collapsed), "alexnet": "no memory", "resnet34": None}
        return outcomes.get(spec.architecture.name, factory.run(spec))

    result = factory.finish(factory.study(only=("vgg16", "alexnet", "resnet34", "proposed")), choose)
    table = build_run_index_table(evaluate_study(result))

    assert factory.column(table, "Key") == [spec.key for spec in result.study.list_runs()]
    assert factory.column(table, "MLflow run") == ["run-0", "–", "–", "run-1"]
    assert factory.column(table, "Best epoch") == ["3", "failed", "not run", "3"]
    assert factory.column(table, "Seconds") == ["6.2", "–", "–", "6.2"]
    assert factory.column(table, "Collapsed") == ["collapsed", "–", "–", "no"]


def test_settings_have_the_end_times_of_runs(factory: type[Factory]) -> None:
    def choose(spec: RunSpec) -> Any:
        day = {"vgg16": "02", "alexnet": "04", "proposed": "03"}.get(spec.architecture.name)
        return replace(factory.run(spec), end_time=f"2026-01-{day}T03:04:05Z" if day else "")

    names = ("vgg16", "alexnet", "resnet34", "proposed")
    *_, last = describe_settings(evaluate_study(factory.finish(factory.study(only=names), choose)))
    assert last.endswith("; runs ended 2026-01-02T03:04:05Z to 2026-01-04T03:04:05Z (UTC)")
    *_, last = describe_settings(evaluate_study(factory.finish(factory.study(only=("proposed",)))))
    assert last.endswith("of run time")


def test_settings_list_networks_protocols_and_environment(factory: type[Factory]) -> None:
    text = "\n".join(
        describe_settings(evaluate_study(factory.finish(factory.study(protocols=("frame", "subject")))))
    )

    assert "Networks: vgg16, proposed" in text
    assert "Protocol subject: 7:2:1 over subjects" in text
    assert "Adam, learning rate 0.001, batch 32, at most 100 epochs" in text
    assert "cpu; Linux; 2 threads; torch 2.6.0; commit abc1234" in text
    assert "Runs: 4 finished, 0 failed, 0 not run; 0:00:25" in text


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("frame", "frames of one clip can be in training and test"),
        ("clip", "each clip is in one split only, but its subject can be in several"),
        ("subject", "7:2:1 over subjects: no test subject is in training"),
        ("kfold", "folds over subjects, pooled: no test subject is in training"),
        ("loso", "one subject left out at a time, pooled: no test subject is in training"),
        ("lodo", "one data set of the composite left out at a time, pooled"),
    ],
)
def test_settings_say_what_a_protocol_keeps_apart(factory: type[Factory], protocol: str, text: str) -> None:
    study = replace(factory.study(only=("proposed",)), protocols=(protocol,))
    lines = describe_settings(evaluate_study(factory.finish(study, lambda _: None)))
    (line,) = (line for line in lines if line.startswith("Protocol "))
    assert line.startswith(f"Protocol {protocol}: ")
    assert text in line


def test_check_without_predictions_has_no_test_columns(factory: type[Factory]) -> None:
    study = replace(factory.study(only=("proposed",)), checks=("cross-entropy", "robustness", "latency"))
    table = build_run_index_table(evaluate_study(factory.finish(study)))

    assert [name.partition(" ")[2] for name in factory.column(table, "Network")] == [
        "",
        "(cross-entropy)",
        "(robustness)",
        "(latency)",
    ]
    assert factory.column(table, "Collapsed") == ["no", "no", "–", "–"]
    assert factory.column(table, "Test frames")[2:] == ["–", "–"]


def test_settings_name_the_tuned_values(factory: type[Factory]) -> None:
    search = Search(
        key="k", values=(0.5,), pruned=(False,), learning_rate=1e-4, gamma=1.0, class_weights="none"
    )
    plain = factory.study()
    tuned = replace(plain, searches=(search,))

    assert any(
        text.startswith("Tuned: ") for text in describe_settings(evaluate_study(factory.finish(tuned)))
    )
    assert not any(
        text.startswith("Tuned: ") for text in describe_settings(evaluate_study(factory.finish(plain)))
    )
