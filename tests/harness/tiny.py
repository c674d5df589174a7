"""A tiny learnable data set in the CASME II layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from harness.data.loading import DataRequest
from harness.planning.request import Request

EMOTIONS = ("disgust", "fear", "happiness", "repression", "sadness", "surprise")
SUBJECTS, FRAMES, SIDE = 4, 3, 36
LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


def write_tree(root: Path, *, seed: int = 0) -> Path:
    """Write 6 emotions x 4 subjects x 3 frames; the position of a bright bar encodes the emotion."""
    rng = np.random.default_rng(seed)
    rows = []
    for subject in range(1, SUBJECTS + 1):
        for label, emotion in enumerate(EMOTIONS):
            name = f"EP{label + 1:02}_01f"
            folder = root / "Cropped" / f"sub{subject:02}" / name
            folder.mkdir(parents=True)
            for frame in range(FRAMES):
                image = rng.integers(40 * subject, 40 * subject + 20, (SIDE, SIDE, 3), dtype=np.uint8)
                image[label * 6 : label * 6 + 6] = 250 - frame
                cv2.imwrite(str(folder / f"reg_img{10 + frame}.jpg"), image)
            rows.append((f"{subject:02}", name, None, 10, 11, 12, None, "4", emotion))
    header = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None]
    header += ["Action Units", "Estimated Emotion"]
    sheet = pd.DataFrame([header, *rows])
    sheet.to_excel(root / "CASME2-coding-20140508.xlsx", header=False, index=False)
    return root


def request(tree: Path, **changes: object) -> Request:
    """Return a request for a minimal study of the proposed network on the tree, with `changes`."""
    values: dict[str, object] = {
        "kind": "comparison",
        "data": DataRequest(dataset="casme2", root=tree),
        "only": ("proposed",),
        "preset": "quick",
        "epochs": 1,
        "image_size": 32,
        "width": 0.125,
    }
    return Request(**{**values, **changes})  # type: ignore[arg-type]


class Outcome(tuple[int, str, str]):
    """Exit status, stdout and stderr of a command.

    Attributes:
        code: the code of the error that ended the command, or the name of its class; "" without an error.
    """

    code: str = ""


Run = Callable[..., Outcome]
"""Runs `harness ARGS` in this process."""
