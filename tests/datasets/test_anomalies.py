"""Tests of the texts of anomalies, and of which anomalies are found only by opening the images."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.anomalies import find_new_anomalies, format_anomaly, format_anomaly_count, merge_anomalies
from datasets.preprocessing.image_array import preprocess_images
from datasets.spec import Anomaly, Sample, SampleTable


def test_anomaly_is_one_line_that_ends_with_its_action() -> None:
    fault = Anomaly(
        code="missing file", location="s1/c1", description="no such frame", action="the clip was left out"
    )
    assert format_anomaly(fault) == "missing file: s1/c1: no such frame; the clip was left out"


@pytest.mark.parametrize(("count", "text"), [(0, "no anomalies"), (1, "1 anomaly"), (2, "2 anomalies")])
def test_anomaly_count_has_a_singular_and_a_plural(count: int, text: str) -> None:
    assert format_anomaly_count(count) == text


def test_known_anomalies_are_not_new(tmp_path: Path) -> None:
    known = Anomaly(code="CSV not read", location="other.csv", description="w", action="a")
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((6, 6, 3), 90, dtype=np.uint8))
    samples = tuple(
        Sample(id=name, path=str(tmp_path / f"{name}.png"), label=0, subject="", clip="", frame_number=0)
        for name in ("a", "b")
    )
    table = SampleTable(
        dataset="made", frame_policy="all", classes=("x",), samples=samples, anomalies=(known,)
    )
    assert find_new_anomalies(preprocess_images(table, size=4).table, table) == ()
    (tmp_path / "b.png").write_bytes(b"no image")
    opened = preprocess_images(table, size=4)
    assert known in opened.table.anomalies
    (fault,) = find_new_anomalies(opened.table, table)
    assert (fault.code, fault.location) == ("unreadable image", "b")
    assert find_new_anomalies(opened.table, replace(table, anomalies=())) == (known, fault)


def _anomaly(
    number: int, *, code: str = "no row", description: str = "what", action: str = "left out"
) -> Anomaly:
    return Anomaly(
        code=code, location=f"sub01/EP{number}", description=f"{description} {number}", action=action
    )


def test_few_anomalies_of_a_kind_are_listed_one_by_one() -> None:
    few = tuple(_anomaly(number) for number in range(3))
    assert merge_anomalies(few, max_similar=3) == few


def test_many_anomalies_of_a_kind_become_one_with_their_number() -> None:
    many = [_anomaly(number) for number in range(5)]
    others = [_anomaly(0, code="no folder"), _anomaly(1, action="kept")]
    merged, *rest = merge_anomalies([*many, *others], max_similar=4)
    assert merged == Anomaly(
        code="no row",
        location="sub01/EP0, sub01/EP1, sub01/EP2 and 2 more",
        description="5 times, first: what 0",
        action="each time: left out",
    )
    assert rest == others


def test_descriptions_separate_kinds_unless_they_are_ignored() -> None:
    anomalies = [_anomaly(number, description=text) for number, text in enumerate("aabb")]
    assert len(merge_anomalies(anomalies, max_similar=1)) == 2
    (merged,) = merge_anomalies(anomalies, max_similar=1, ignore_description=True)
    assert merged.description == "4 times, first: a 0"
