"""Tests that a result is restored exactly from its artifacts, and that metrics follow from predictions."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datasets.spec import Leakage
from harness.tracking.result_files import (
    compute_final_metrics,
    flatten_spec,
    parse_result,
    render_result_files,
)
from studies.codec import from_json
from studies.results import Environment, RunResult, Timing
from studies.spec import RunSpec
from tests.error_codes import raises_code
from tests.harness.tracking.unusual_result import ENVIRONMENT, SPEC, UNUSUAL_NAME, make_predictions, result


def spec_of(control: Any) -> RunSpec:
    return replace(SPEC, variant=control)


ROBUST = result(
    make_predictions("a", 0, 0.1, 0.3, condition="noise 1")
    + make_predictions("b", 1, 0.9, condition="noise 1")
    + make_predictions("a", 0, 0.1, 0.3, condition="noise 2")
    + make_predictions("b", 1, 0.2, condition="noise 2"),
    spec=spec_of("robustness"),
    history=(),
    best_epoch=0,
)
TIMED = result(
    (),
    spec=spec_of("latency"),
    history=(),
    best_epoch=0,
    timings=(
        Timing(phase="face", milliseconds=(30.0, 1.0, 2.0)),
        Timing(phase="network", milliseconds=(1.5, 0.5)),
    ),
)


def write_files(original: RunResult, folder: Path) -> tuple[dict[str, Any], Path]:
    """Write the artifacts of a result; return the content of result.json and the path of predictions.csv."""
    for name, text in render_result_files(original).items():
        (folder / name).write_text(text)
    return json.loads((folder / "result.json").read_text()), folder / "predictions.csv"


def read(data: dict[str, Any], table: Path) -> RunResult:
    texts = {"result.json": json.dumps(data), "predictions.csv": table.read_bytes().decode()}
    return parse_result(texts.__getitem__)


@pytest.mark.parametrize("original", [result(), ROBUST, TIMED], ids=["plain", "robustness", "latency"])
def test_result_survives_its_files_exactly(original: RunResult, tmp_path: Path) -> None:
    data, table = write_files(original, tmp_path)
    assert isinstance(data["predictions"], str), "they would be stored twice"
    loaded = read(data, table)
    assert loaded == original
    assert loaded.spec.key == original.spec.key


def test_predictions_are_a_table_with_predicted_classes(tmp_path: Path) -> None:
    _, table = write_files(result(), tmp_path)
    with table.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["id", "subject", "clip", "condition", "truth", "answer", "p0", "p1"]
    assert [(row[4], row[5]) for row in rows] == [("0", "0"), ("0", "1"), ("1", "1"), ("1", "1")]
    assert rows[0][:4] == [f"{UNUSUAL_NAME}/a/0", UNUSUAL_NAME, f"{UNUSUAL_NAME}/a", ""]


def test_predictions_of_an_old_version_have_no_conditions(tmp_path: Path) -> None:
    _, table = write_files(result(), tmp_path)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row.pop("condition") for row in rows} == {""}
    with table.open("w", newline="") as file:
        old = csv.DictWriter(file, list(rows[0]))
        old.writeheader()
        old.writerows(rows)
    assert "condition" not in table.read_text()
    data = json.loads((tmp_path / "result.json").read_text())
    del data["predictions"]
    assert read(data, table) == result()


@pytest.mark.parametrize("fault", ["no number", "cut short", "a column gone", "nothing"])
def test_predictions_that_cannot_be_read_are_no_result(fault: str, tmp_path: Path) -> None:
    data, table = write_files(result(), tmp_path)
    del data["predictions"]
    content = table.read_text()
    table.write_text(
        {
            "no number": content.replace("0.9", "nine"),
            "cut short": content[:-25],
            "a column gone": content.replace("subject", "person"),
            "nothing": "",
        }[fault]
    )
    with pytest.raises(ValueError, match=r"convert|zip|columns|unpack"):
        read(data, table)


def test_predictions_that_were_cut_off_or_changed_are_no_result(tmp_path: Path) -> None:
    data, table = write_files(result(), tmp_path)
    content = table.read_text()
    for changed in (content.replace("0.9", "0.8"), "\n".join(content.split("\n")[:-2]) + "\n"):
        table.write_text(changed)
        with raises_code("predictions-csv.cut-off"):
            read(data, table)


@pytest.mark.parametrize(
    ("old", "new", "code", "value"),
    [
        ("0.9", "1.5", "predictions-csv.probability-range", "got 1.5"),
        (",1,", ",7,", "predictions-csv.truth-range", "got 7"),
    ],
)
def test_predictions_out_of_range_are_named(
    old: str, new: str, code: str, value: str, tmp_path: Path
) -> None:
    data, table = write_files(result(), tmp_path)
    del data["predictions"]
    table.write_text(table.read_text().replace(old, new))
    with raises_code(code, value, "restore the file"):
        read(data, table)


def test_result_that_is_no_object_is_named_by_its_type() -> None:
    with raises_code("result-json.not-an-object", "it holds an array", "restore the file"):
        parse_result({"result.json": "[]"}.__getitem__)


def test_result_without_a_field_has_its_default(tmp_path: Path) -> None:
    data, table = write_files(result(), tmp_path)
    del data["timings"], data["data"]["drawn"], data["data"]["findings"], data["spec"]["control"]
    loaded = read(data, table)
    assert (loaded.timings, loaded.data.synthetic, loaded.data.findings, loaded.spec) == ((), False, (), SPEC)


def test_confusion_matrix_counts_frames_by_truth_and_prediction(tmp_path: Path) -> None:
    write_files(result(), tmp_path)
    with (tmp_path / "confusion_matrix.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["truth", "happy, or so", 'the "other"'],
            ["happy, or so", "1", "1"],
            ['the "other"', "0", "2"],
        ]
    assert from_json(Environment, (tmp_path / "environment.json").read_text()) == ENVIRONMENT


def test_spec_is_flattened_to_dotted_names_after_its_arm() -> None:
    flat = flatten_spec(SPEC)
    assert next(iter(flat.items())) == ("arm", "proposed")
    assert flat["architecture.block.attention"] == "cbam"
    assert flat["training.augmentation.flip"] == 0.5
    assert (flat["seed"], flat["fold"], flat["folds"], flat["control"]) == (4, 1, 3, "none")
    assert not any(isinstance(value, dict) for value in flat.values())


def test_main_metric_of_a_run_uses_its_protocols_unit() -> None:
    by_clip = compute_final_metrics(result())
    assert by_clip["test/accuracy"] == by_clip["test/clip_accuracy"] == 0.5
    assert by_clip["test/frame_accuracy"] == 0.75
    assert by_clip["test/collapsed"] == 1
    assert by_clip["test/uar"] == pytest.approx(0.5)
    assert by_clip["test/precision"] == pytest.approx(0.25)
    assert by_clip["test/uf1"] == pytest.approx(1 / 3)
    by_frame = compute_final_metrics(result(spec=replace(SPEC, protocol="frame")))
    assert (by_frame["test/accuracy"], by_frame["test/collapsed"]) == (0.75, 0)
    assert by_frame["test/clip_accuracy"] == 0.5


@pytest.mark.parametrize("control", ["none", "shuffled-labels", "cross-entropy", "robustness", "latency"])
def test_every_run_logs_its_leaks_cost_and_length(control: Any) -> None:
    metrics = compute_final_metrics(result(spec=spec_of(control)))
    assert (metrics["leak/clip"], metrics["leak/subject"]) == (0.25, 0.5)
    assert (metrics["cost/parameters_mib"], metrics["cost/multiply_adds"]) == (2, 1_000_000)
    assert (metrics["best_epoch"], metrics["seconds"]) == (2, 6.25)
    assert ("test/accuracy" in metrics) == (control not in ("robustness", "latency"))


def test_unknown_leak_is_no_metric_and_stays_unknown() -> None:
    data = replace(result().data, leakage=Leakage(clip=None, subject=0.5))
    unknown = replace(result(), data=data)
    metrics = compute_final_metrics(unknown)
    assert "leak/clip" not in metrics
    assert metrics["leak/subject"] == 0.5
    assert parse_result(render_result_files(unknown).__getitem__) == unknown


def test_robustness_logs_accuracies_and_latency_medians() -> None:
    conditions = {n: v for n, v in compute_final_metrics(ROBUST).items() if n.startswith("robustness/")}
    assert conditions == {"robustness/noise_1": 1, "robustness/noise_2": pytest.approx(2 / 3)}
    parts = {n: v for n, v in compute_final_metrics(TIMED).items() if n.startswith("latency/")}
    assert parts == {"latency/face": 2, "latency/network": 1}
