"""Fixtures of this folder: a tiny CASME II on disk in the Cropped layout, and sample tables without files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from datasets.spec import Sample, SampleTable

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

    def sheet(self, rows, name="CASME2-coding-20140508.xlsx", header=HEADER):
        self.root.mkdir(parents=True, exist_ok=True)
        cells = [(*row[:2], None, *row[2:5], None, "4+L10", row[5]) for row in rows]
        with pd.ExcelWriter(self.root / name) as book:
            pd.DataFrame([header, *cells]).to_excel(book, sheet_name="Sheet1", header=False, index=False)
            pd.DataFrame().to_excel(book, sheet_name="Sheet2")

    def clip(self, folder: str, frames: Iterable[int], below: str = "Cropped/Cropped"):
        for frame in frames:
            path = self.root / below / folder / f"reg_img{frame}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), np.full((10, 8, 3), 40 + frame % 200, dtype=np.uint8))

    def write(self, rows):
        """Write the coding sheet, and the frames from onset to offset of every row."""
        self.sheet(rows)
        for subject, name, onset, _, offset, _ in rows:
            self.clip(f"sub{int(subject):02d}/{name}", range(onset, offset + 1))
        return self.root


@pytest.fixture
def tree(tmp_path):
    return Casme2Tree(tmp_path / "casme2")


@pytest.fixture
def table_of():
    """Return a table without files from (class, subject, clip, number of frames) groups."""

    def make(groups, classes=("anger", "joy")):
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
