"""Fixtures of this folder: synthetic sets, a tiny CASME II (Cropped layout), and tables without files."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from datasets.spec import Sample, SampleTable
from datasets.synthetic.generator import SyntheticSpec, synthesize

# As with OMP_NUM_THREADS: the test processes share the cores, and threads on small images only wait.
cv2.setNumThreads(1)

HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)


@dataclass(frozen=True)
class Casme2Tree:
    """Writes CASME II files below `root`; a row is (subject, filename, onset, apex, offset, emotion)."""

    root: Path

    def sheet(
        self,
        rows: Sequence[tuple[Any, ...]],
        name: str = "CASME2-coding-20140508.xlsx",
        header: tuple[str | None, ...] = HEADER,
    ) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        cells = [(*row[:2], None, *row[2:5], None, "4+L10", row[5]) for row in rows]
        with pd.ExcelWriter(self.root / name) as book:
            pd.DataFrame([header, *cells]).to_excel(book, sheet_name="Sheet1", header=False, index=False)
            pd.DataFrame().to_excel(book, sheet_name="Sheet2")

    def clip(self, folder: str, frames: Iterable[int], below: str = "Cropped/Cropped") -> None:
        for frame in frames:
            path = self.root / below / folder / f"reg_img{frame}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), np.full((10, 8, 3), 40 + frame % 200, dtype=np.uint8))

    def write(self, rows: Sequence[tuple[Any, ...]]) -> Path:
        """Write the coding sheet, and the frames from onset to offset of every row."""
        self.sheet(rows)
        for subject, name, onset, _, offset, _ in rows:
            self.clip(f"sub{int(subject):02d}/{name}", range(onset, offset + 1))
        return self.root


@pytest.fixture(scope="session")
def synthetic_set(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that returns the folder of a synthetic set; tests read its files only.

    A set of a layout and of other options has 2 subjects with 7 clips of 3 frames, unless given. It is
    written once in a run of all tests, and alone in its parent folder.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the workers of a run share it

    def get(layout: str = "casme2", **options: Any) -> Path:
        defaults: dict[str, Any] = {"layout": layout, "subjects": 2, "clips": 7, "frames": 3}
        spec = SyntheticSpec(**(defaults | options))
        parent = folder / "synthetic" / hashlib.sha256(repr(spec).encode()).hexdigest()[:16]
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(parent.with_suffix(".lock")):
            return parent / "set" if (parent / "set").exists() else synthesize(spec, parent / "set")

    return get


@pytest.fixture
def tree(tmp_path: Path) -> Casme2Tree:
    return Casme2Tree(tmp_path / "casme2")


@pytest.fixture
def table_of() -> Callable[..., SampleTable]:
    """Return a table without files from (class, subject, clip, number of frames) groups."""

    def make(
        groups: list[tuple[str, str, str, int]], classes: tuple[str, ...] = ("anger", "joy")
    ) -> SampleTable:
        samples = [
            Sample(
                id=f"{subject}/{clip}/{frame}",
                path="",
                label=classes.index(name),
                subject=subject,
                clip=f"{subject}/{clip}",
                frame_number=frame,
            )
            for name, subject, clip, count in groups
            for frame in range(count)
        ]
        return SampleTable(dataset="made", frame_policy="all", classes=classes, samples=tuple(samples))

    return make
