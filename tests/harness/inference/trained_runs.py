"""Helpers of the tests of `harness predict`: trained runs, and the command with its output."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from harness.inference import video_io
from harness.tracking.tracker import Tracker
from studies.results import RunResult
from tests.harness.tiny import Run


@dataclass(frozen=True, kw_only=True)
class TrainedRuns:
    """A tracker with a run on frames and one on differences from the onset, and their data set."""

    tracker: Tracker
    cropped: Path
    run_id: str
    key: str
    frames: RunResult
    motion_id: str
    motion: RunResult


def options(trained_runs: TrainedRuns) -> tuple[object, ...]:
    return ("--tracking-uri", trained_runs.tracker.store.uri, "--device", "cpu")


def predict_json(
    harness: Run, trained_runs: TrainedRuns, name: str, source: Path, *args: object
) -> dict[str, object]:
    status, out, err = harness("predict", name, source, "--json", *options(trained_runs), *args)
    assert status == 0, err
    document: dict[str, object] = json.loads(out)
    return document


def rows(document: dict[str, object]) -> list[dict[str, object]]:
    row_list = document["rows"]
    assert isinstance(row_list, list)
    return row_list


def write_video(path: Path, images: list[video_io.Image], *, rate: float = 20.0) -> Path:
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (width, height))
    for image in images:
        writer.write(image)
    writer.release()
    return path


def probabilities(row: dict[str, object]) -> list[object]:
    return [value for name, value in row.items() if name.startswith("p_")]


def recorded_probabilities(result: RunResult) -> dict[str, tuple[float, ...]]:
    """Return the recorded probabilities by path relative to Cropped."""
    probabilities_by_path = {}
    for prediction in result.predictions:
        clip, frame = prediction.id.rsplit("/", 1)
        probabilities_by_path[f"{clip}/reg_img{frame}.jpg"] = prediction.probabilities
    assert np.std(list(probabilities_by_path.values()), axis=0).max() > 2e-4
    return probabilities_by_path
