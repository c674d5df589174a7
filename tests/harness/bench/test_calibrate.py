"""Tests of `harness bench --calibrate`: parts are measured once, and failures are named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.bench import calibrate as calibration
from harness.bench.calibrate import PARTS, CalibrationSettings, calibrate, choose_fastest
from harness.bench.networks import FACES_SPEC
from tests.harness.processes import cache_in

TINY = CalibrationSettings(
    device="cpu",
    image_sizes=(32,),
    batch=4,
    width=1 / 16,
    rounds=1,
    epochs=1,
    seeds=1,
    subjects=2,
    sharing_seconds=0.2,
)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure few images, few parallel cells, and two precisions: one that a CPU supports, and one not."""
    cache_in(tmp_path)
    monkeypatch.setattr(calibration, "FACES_SPEC", replace(FACES_SPEC, clips=6, subjects=1, frames=3))
    monkeypatch.setattr(calibration, "CELLS", (1, 2))
    monkeypatch.setattr(calibration, "PRECISIONS", ("auto", "float32", "tf32"))


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("ladder", "The ladder at 32 px for 1 epochs"),
        ("sharing", "| px | 1 at once | 2 at once |"),
        ("residence", "images on the device: "),
        ("precisions", "| float32 | 0."),
    ],
)
def test_a_part_is_a_text_with_its_measurement(part: str, words: str) -> None:
    _, measure = PARTS[part]
    text = measure(TINY, torch.device("cpu"))
    assert words in text
    assert part != "precisions" or "| tf32 | --precision tf32: this cpu does not support it" in text


@pytest.mark.slow
def test_measured_parts_are_reused(tmp_path: Path) -> None:
    text = calibrate(tmp_path, TINY, parts=("waits",)).read_text()
    assert "## Waits for the GPU\n" in text
    assert "Only a GPU can be waited for." in text
    record = tmp_path / "waits.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "text": "kept"}))
    assert "kept" in calibrate(tmp_path, TINY, parts=("waits",)).read_text()


@pytest.mark.slow
def test_part_that_fails_is_named_and_leaves_no_file(tmp_path: Path) -> None:
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
