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
class Made:
    """A tracker with a run on frames and one on differences from the onset, and their data set."""

    ledger: Tracker
    cropped: Path
    run_id: str
    key: str
    frames: RunResult
    motion_id: str
    motion: RunResult


def options(made: Made) -> tuple[object, ...]:
    return ("--tracking-uri", made.ledger.uri, "--device", "cpu")


def asked(harness: Run, made: Made, name: str, source: Path, *args: object) -> dict[str, object]:
    status, out, err = harness("predict", name, source, "--json", *options(made), *args)
    assert status == 0, err
    document: dict[str, object] = json.loads(out)
    return document


def rows(document: dict[str, object]) -> list[dict[str, object]]:
    found = document["rows"]
    assert isinstance(found, list)
    return found


def film(path: Path, images: list[video_io.Image], *, rate: float = 20.0) -> Path:
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (width, height))
    for image in images:
        writer.write(image)
    writer.release()
    return path


def probabilities(row: dict[str, object]) -> list[object]:
    return [value for name, value in row.items() if name.startswith("p_")]


def recorded(result: RunResult) -> dict[str, tuple[float, ...]]:
    """Return the recorded probabilities by path relative to Cropped."""
    found = {}
    for prediction in result.predictions:
        clip, frame = prediction.id.rsplit("/", 1)
        found[f"{clip}/reg_img{frame}.jpg"] = prediction.probabilities
    assert np.std(list(found.values()), axis=0).max() > 2e-4
    return found
