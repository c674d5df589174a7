import random
from typing import Any

import pytest

from datasets.folder.clip_consistency import assign_frame_numbers, parse_file_number, remove_contradictions
from datasets.folder.image_rows import AnomalyLog, ImageRow
from datasets.io.image_names import natural_sort_key


def row(
    name: str,
    label: str = "joy",
    subject: str = "",
    clip: str = "",
    frame: int | None = None,
    *,
    real: str = "",
) -> ImageRow:
    return ImageRow(
        location=f"line of {name}",
        id=name,
        path=f"/data/{name}",
        resolved_path=real or f"/data/{name}",
        label=label,
        subject=subject,
        clip=clip,
        frame_number=frame,
    )


@pytest.fixture
def faults() -> AnomalyLog:
    return AnomalyLog()


def list_anomalies(faults: AnomalyLog) -> list[tuple[str, str]]:
    return [(fault.code, fault.location) for fault in faults.get_anomalies()]


def frames(rows: list[ImageRow]) -> dict[str, int | None]:
    return {row.id: row.frame_number for row in rows}


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("c/img007.png", 7),
        ("c12/img.png", None),
        ("S01_002_00000011.png", 11),
        ("x2_face0.png", 0),
        ("3.5.png", 5),
        ("1" * 18 + ".png", int("1" * 18)),
        ("20241124" * 3 + ".png", None),
        ("٣.png", None),
    ],
)
def test_file_number_is_the_last_valid_one_in_its_name(path: str, number: int | None) -> None:
    assert parse_file_number(path) == number


def test_numbers_in_names_are_sorted_by_value_and_ties_by_their_spelling() -> None:
    names = ["a2/x.png", "a10/img01.png", "a10/img1.png", "a10/img2.png", "a10/img10.png", "b"]
    assert sorted(random.Random(0).sample(names, len(names)), key=natural_sort_key) == names
    assert natural_sort_key("1") < natural_sort_key("x"), "a name may start with a letter or a digit"


def test_image_in_two_equal_rows_becomes_one_row(faults: AnomalyLog) -> None:
    rows = [row("1"), row("again", real="/data/1"), row("2", "fear"), row("also", "joy", real="/data/2")]
    assert [remaining.id for remaining in remove_contradictions(rows, faults)] == ["1"]
    assert list_anomalies(faults) == [("duplicate path", "line of again"), ("contradictory entries", "2")]
    description = faults.get_anomalies()[1].description
    assert description == "2 entries disagree on this image (line of 2, line of also); labels: fear, joy"


@pytest.mark.parametrize("other", [{"subject": "p"}, {"clip": "c"}, {"frame": 3}, {"label": "fear"}])
def test_rows_that_differ_in_anything_disagree(faults: AnomalyLog, other: dict[str, Any]) -> None:
    assert (
        remove_contradictions([row("1"), row("2", **other, real="/data/1"), row("3", real="/data/1")], faults)
        == []
    )
    assert list_anomalies(faults) == [("contradictory entries", "1")]


def test_excluded_image_does_not_affect_its_clip(faults: AnomalyLog) -> None:
    rows = [row("1", "joy", "p", "c"), row("2", "fear", "p", "c"), row("2b", "joy", "p", "c", real="/data/2")]
    assert [remaining.id for remaining in remove_contradictions(rows, faults)] == ["1"]
    assert list_anomalies(faults) == [("contradictory entries", "2")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("i3.png", "i10.png"), (3, 10)),
        (("x10_0.png", "x9_0.png"), (2, 1)),
        (("b.png", "a1.png"), (2, 1)),
    ],
)
def test_names_without_numbers_are_numbered_in_natural_order(
    faults: AnomalyLog, names: tuple[str, str], expected: tuple[int, int]
) -> None:
    rows = assign_frame_numbers([row(name, clip="c") for name in names], faults)
    assert frames(rows) == dict(zip(names, expected, strict=True))
    assert list_anomalies(faults) == []


def test_images_without_clip_are_numbered_by_folder(faults: AnomalyLog) -> None:
    rows = [row("a/x1.png"), row("a/y1.png"), row("b/x1.png"), row("c/1.png", frame=8)]
    rows += [row("z/x7.png", clip="a"), row("z/1.png", clip="d", frame=9)]
    numbered = assign_frame_numbers(rows, faults)
    assert len(numbered) == len(rows)
    assert frames(numbered) == {
        "a/x1.png": 1,
        "a/y1.png": 2,
        "b/x1.png": 1,
        "c/1.png": 8,
        "z/x7.png": 7,
        "z/1.png": 9,
    }
    assert list_anomalies(faults) == []
