"""Tests of `harness bench --calibrate`: parts are measured once, and failures are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.bench.calibrate import PARTS, CalibrationSettings, calibrate, choose_fastest

TINY = CalibrationSettings(
    device="cpu",
    image_sizes=(32,),
    batch=4,
    width=1 / 16,
    rounds=1,
    epochs=1,
    seeds=1,
    subjects=4,
    sharing_seconds=0.2,
)


@pytest.mark.slow
def test_parts_are_measured_once(tmp_path: Path) -> None:
    parts = ("waits", "ladder", "sharing", "residence", "precisions")
    report = calibrate(tmp_path, TINY, parts=parts)
    text = report.read_text()
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        PARTS[name][0] for name in parts
    ]
    assert "Not measured" not in text
    record = tmp_path / "sharing.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "text": "kept"}))
    assert "kept" in calibrate(tmp_path, TINY, parts=("sharing",)).read_text()


@pytest.mark.slow
def test_a_part_that_fails_is_named_and_leaves_no_file(tmp_path: Path) -> None:
    settings = CalibrationSettings(device="cpu", width=0.0)
    text = calibrate(tmp_path, settings, parts=("residence",)).read_text()
    assert "Not measured: its process ended with status 1" in text
    assert not (tmp_path / "residence.json").exists()


@pytest.mark.parametrize(
    ("speeds", "fastest"),
    [([100.0, 180.0, 190.0], 1), ([100.0, 105.0, 130.0], 2), ([100.0, 90.0, 80.0], 0)],
)
def test_more_cells_must_be_clearly_faster(speeds: list[float], fastest: int) -> None:
    assert choose_fastest(speeds) == fastest
