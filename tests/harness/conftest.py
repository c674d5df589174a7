"""A tiny tree in the CASME II layout, and the command line run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

EMOTIONS = ("disgust", "fear", "happiness", "repression", "sadness", "surprise")
SUBJECTS, FRAMES, SIDE = 4, 3, 36


def write_tree(root: Path, *, seed: int = 0) -> Path:
    """6 emotions x 4 subjects x 3 frames: a bright bar whose height tells the emotion, on a subject's grey."""
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


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree, written once; tests do not change it."""
    return write_tree(tmp_path_factory.mktemp("casme2"))


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder and a cache of its own for each test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    for variable in ("MLFLOW_TRACKING_URI", "HARNESS_CASME2"):
        monkeypatch.delenv(variable, raising=False)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`harness ARGS` in this process: exit status, stdout, stderr."""

    def run(*args: object) -> tuple[int, str, str]:
        from harness.cli import main

        monkeypatch.setattr(sys, "argv", ["harness", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
            sys.exit(0)
        captured = capsys.readouterr()
        code = ended.value.code
        return (0 if code is None else int(code)), captured.out, captured.err

    return run
