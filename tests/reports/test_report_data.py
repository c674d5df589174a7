"""Tests of report.json: it holds the values of report.md, each traceable to its runs."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.document import DATA_FILE
from reports.markdown import escape
from studies.results import RunResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

SUBJECTS = 8

Report = tuple[dict[str, Any], str]
"""The values of report.json, and the text of report.md."""


@pytest.fixture(scope="module")
def written(factory: type[Factory], tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Write the report of one study of five seeds."""

    def choose(spec: RunSpec) -> RunResult:
        skill = 3 if spec.architecture.name == "proposed" else 2
        correct = [(clip + spec.seed) % 5 < skill for clip in range(5 * SUBJECTS)]
        return factory.run_from_correctness(spec, correct, subjects=SUBJECTS)

    study = factory.study(protocols=("frame", "subject"), seeds=(0, 1, 2, 3, 4))
    folder = tmp_path_factory.mktemp("report")
    text = factory.write_text([factory.finish(study, choose)], folder)
    return json.loads((folder / DATA_FILE).read_text(encoding="utf-8")), text


def test_tables_have_the_numbers_titles_and_texts_of_the_markdown(
    factory: type[Factory], written: Report
) -> None:
    data, markdown = written

    titles = dict(re.findall(r"\*\*Table (\d+)\. (.*?)\*\*", markdown))
    assert {str(table["number"]) for table in data["tables"]} == set(titles)
    text = factory.replace_no_break_spaces(markdown)
    for table in data["tables"]:
        for row in table["rows"]:
            assert len(row) == len(table["header"])
            for cell in row:
                if cell["value"] is not None:
                    assert factory.replace_no_break_spaces(escape(cell["text"])) in text


def test_every_run_key_of_a_cell_is_a_run_of_the_report(written: Report) -> None:
    data, _ = written

    runs = {run["key"]: run for run in data["runs"]}
    keys = {
        key for table in data["tables"] for row in table["rows"] for cell in row for key in cell["run_keys"]
    }
    assert keys == set(runs)
    assert all(run["run_id"].startswith("run-") and run["commit"] == "abc1234" for run in runs.values())


def test_differences_have_intervals_verdicts_and_runs(written: Report) -> None:
    data, _ = written

    differences = {
        (entry["protocol"], entry["after"], entry["before"]): entry for entry in data["differences"]
    }
    (difference,) = (entry for key, entry in differences.items() if key[0] == "subject")
    sign = 1 if difference["after"] == "proposed" else -1
    assert difference["difference"] == pytest.approx(sign * 0.2)
    assert difference["low"] <= difference["difference"] <= difference["high"]
    assert difference["verdict"]
    assert 0 <= difference["p"] <= 1
    assert len(difference["run_keys"]) == 10


def test_commands_and_the_failures_are_listed(factory: type[Factory], tmp_path: Path) -> None:
    def choose(spec: RunSpec) -> RunResult | str:
        return "OSError: no disk (net.py:3)" if spec.architecture.name == "vgg16" else factory.run(spec)

    finished = factory.finish(factory.study(), choose)
    failures = tuple(replace(failure, traceback_run_id="0123") for failure in finished.failures)
    finished = replace(finished, failures=failures, commands=("harness compare", "harness compare --jobs 2"))
    report = factory.write_text([finished], tmp_path)
    data = json.loads((tmp_path / DATA_FILE).read_text(encoding="utf-8"))

    assert "- Command: `harness compare`\n- Command: `harness compare --jobs 2`\n- Study: " in report
    assert data["commands"] == {finished.study.name: list(finished.commands)}
    assert "OSError: no disk (net.py:3); traceback: traceback.txt of MLflow run 0123" in report
    (failure,) = data["failures"]
    assert (failure["network"], failure["traceback_run_id"]) == ("vgg16", "0123")


def test_summary_sentences_name_their_runs(factory: type[Factory], written: Report) -> None:
    data, markdown = written

    runs = {run["key"]: run for run in data["runs"]}
    text = factory.replace_no_break_spaces(markdown)
    for sentence in data["summary"]:
        assert factory.replace_no_break_spaces(escape(sentence["text"])) in text
        assert set(sentence["run_keys"]) <= set(runs)
    (best,) = (entry for entry in data["summary"] if "Under subject the highest mean" in entry["text"])
    assert {runs[key]["protocol"] for key in best["run_keys"]} == {"subject"}
    (verdicts,) = (entry for entry in data["summary"] if entry["text"].startswith("Under subject, in points"))
    (difference,) = (entry for entry in data["differences"] if entry["protocol"] == "subject")
    assert verdicts["run_keys"] == difference["run_keys"]
    assert data["summary"][0]["run_keys"] == list(runs)


def test_claims_equal_those_of_the_table(written: Report) -> None:
    data, markdown = written

    verdicts = {(claim["id"], claim["protocol"]): claim["verdict"] for claim in data["claims"]}
    assert verdicts["size-vgg", "frame"] == "reproduced"
    assert all(claim in markdown for claim, _ in verdicts)


def test_measured_claims_and_figures_name_their_runs(written: Report) -> None:
    data, _ = written

    runs = {run["key"]: run for run in data["runs"]}
    claims = {(claim["id"], claim["protocol"]): claim for claim in data["claims"]}
    scores = next(claim for key, claim in claims.items() if "F1" in claim["measured"] and key[1] == "frame")
    assert {(runs[key]["network"], runs[key]["protocol"]) for key in scores["run_keys"]} == {
        ("proposed", "frame")
    }
    assert claims["size-vgg", "frame"]["run_keys"] == []
    figures = {figure["id"]: figure for figure in data["figures"]}
    (confusion,) = (
        figure for name, figure in figures.items() if name.endswith("-subject") and "conf" in name
    )
    figure_runs = [runs[key] for key in confusion["run_keys"]]
    assert {run["protocol"] for run in figure_runs} == {"subject"}
    assert {run["seed"] for run in figure_runs} == {0}


def test_difference_names_only_the_trainings_that_both_arms_finished(
    factory: type[Factory], tmp_path: Path
) -> None:
    def choose(spec: RunSpec) -> RunResult | None:
        if spec.architecture.name == "proposed" and spec.seed == 1:
            return None
        return factory.run_from_correctness(spec, [True] * (5 * SUBJECTS), subjects=SUBJECTS)

    study = factory.study(protocols=("subject",), seeds=(0, 1))
    factory.write_text([factory.finish(study, choose)], tmp_path)
    data = json.loads((tmp_path / DATA_FILE).read_text(encoding="utf-8"))
    seeds = {run["key"]: run["seed"] for run in data["runs"]}
    (difference,) = data["differences"]
    assert [seeds[key] for key in difference["run_keys"]] == [0, 0]
