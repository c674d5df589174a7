"""Anomalies in words, and which of them only opening the images shows."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.pixels.cache import pixels
from datasets.spec import Anomaly, Sample, SampleTable
from harness.data.anomalies import counted, in_words, on_opening


def test_an_anomaly_is_one_line_that_ends_with_what_was_done() -> None:
    fault = Anomaly(code="missing file", where="s1/c1", what="no such frame", action="the clip was left out")
    assert in_words(fault) == "anomaly: missing file: s1/c1: no such frame; the clip was left out"


@pytest.mark.parametrize(("count", "text"), [(0, "no anomalies"), (1, "1 anomaly"), (2, "2 anomalies")])
def test_anomalies_are_counted_in_words(count: int, text: str) -> None:
    assert counted(count) == text


def test_what_reading_the_table_had_shown_is_not_told_again(tmp_path: Path) -> None:
    known = Anomaly(code="CSV not read", where="other.csv", what="w", action="a")
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((6, 6, 3), 90, dtype=np.uint8))
    samples = tuple(
        Sample(id=name, path=str(tmp_path / f"{name}.png"), label=0, subject="", clip="", frame=0)
        for name in ("a", "b")
    )
    table = SampleTable(dataset="made", frames="all", classes=("x",), samples=samples, anomalies=(known,))
    assert on_opening(pixels(table, size=4), table) == ()
    (tmp_path / "b.png").write_bytes(b"no image")
    opened = pixels(table, size=4)
    assert known in opened.table.anomalies
    (fault,) = on_opening(opened, table)
    assert (fault.code, fault.where) == ("unreadable image", "b")
    assert on_opening(opened, replace(table, anomalies=())) == (known, fault)
