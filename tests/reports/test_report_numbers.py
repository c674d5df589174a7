"""Tests that report.json keeps every number that reports had before the page of `reports.html` was added."""

import json
from pathlib import Path

import pytest

from reports.document import DATA_FILE, write_report
from studies.results import RunResult, StudyResult
from studies.spec import RunSpec
from tests.reports.conftest import Factory

NUMBERS = Path(__file__).with_name("data") / "report_numbers.json"
"""The texts of all table rows, by table id, and of all differences, in a report of `_build_results`."""


def _build_results(factory: type[Factory]) -> list[StudyResult]:
    def choose(spec: RunSpec) -> RunResult | str | None:
        name = spec.architecture.name
        if name == "vgg16+cbam" and spec.seed == 1:
            return "no memory"
        if name == "vgg16+cbam+residual":  # always predicts the class of the first half
            return factory.run_from_correctness(spec, [clip < 20 for clip in range(40)], subjects=8)
        correct = [(7 * clip + 3 * spec.seed + len(name)) % 10 < 6 for clip in range(40)]
        return factory.run_from_correctness(spec, correct, subjects=8)

    studies = (
        factory.study("ablation", protocols=("frame", "subject"), seeds=(0, 1)),
        factory.study(dataset="folder", protocols=("subject",), seeds=tuple(range(5))),
    )
    return [factory.finish(study, choose) for study in studies]


def _collect_numbers(data: dict[str, list[dict[str, object]]]) -> dict[str, list[list[str]]]:
    tables = {
        str(table["id"]): [[cell["text"] for cell in row] for row in table["rows"]]  # type: ignore[attr-defined]
        for table in data["tables"]
    }
    names = ("study", "protocol", "before", "after", "trainings", "difference", "low", "high", "p", "verdict")
    differences = [[str(difference[name]) for name in names] for difference in data["differences"]]
    return {**tables, "differences": differences}


@pytest.mark.slow
def test_every_number_of_an_earlier_report_is_in_this_one(factory: type[Factory], tmp_path: Path) -> None:
    write_report(_build_results(factory), tmp_path, images={})
    numbers = _collect_numbers(json.loads((tmp_path / DATA_FILE).read_text(encoding="utf-8")))

    missing = {
        name: [row for row in rows if row not in numbers.get(name, [])]
        for name, rows in json.loads(NUMBERS.read_text(encoding="utf-8")).items()
    }
    assert not {name: rows for name, rows in missing.items() if rows}
