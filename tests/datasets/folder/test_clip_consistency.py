import random

import pytest

from datasets.folder.clip_consistency import assign_frame_numbers, parse_file_number, remove_contradictions
from datasets.folder.image_rows import AnomalyLog, ImageRow
from datasets.io.image_names import natural_sort_key


def row(name, label="joy", subject="", clip="", frame=None, *, real=""):
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
def faults():
    return AnomalyLog()


def told(faults):
    return [(fault.code, fault.location) for fault in faults.get_anomalies()]


def frames(rows):
    return {found.id: found.frame_number for found in rows}


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
def test_the_number_of_a_file_is_the_last_in_its_name_if_it_can_be_a_frames(path, number):
    assert parse_file_number(path) == number


def test_numbers_in_names_are_sorted_by_value_and_ties_by_their_spelling():
    names = ["a2/x.png", "a10/img01.png", "a10/img1.png", "a10/img2.png", "a10/img10.png", "b"]
    assert sorted(random.Random(0).sample(names, len(names)), key=natural_sort_key) == names
    assert natural_sort_key("1") < natural_sort_key("x"), "a name may begin with either"


def test_an_image_that_is_named_twice_is_kept_once_if_the_rows_agree(faults):
    rows = [row("1"), row("again", real="/data/1"), row("2", "fear"), row("also", "joy", real="/data/2")]
    assert [found.id for found in remove_contradictions(rows, faults)] == ["1"]
    assert told(faults) == [("duplicate path", "line of again"), ("contradictory entries", "2")]
    what = faults.get_anomalies()[1].description
    assert what == "2 entries disagree on this image (line of 2, line of also); labels: fear, joy"


@pytest.mark.parametrize("other", [{"subject": "p"}, {"clip": "c"}, {"frame": 3}, {"label": "fear"}])
def test_rows_that_differ_in_anything_disagree(faults, other):
    assert (
        remove_contradictions([row("1"), row("2", **other, real="/data/1"), row("3", real="/data/1")], faults)
        == []
    )
    assert told(faults) == [("contradictory entries", "1")]


def test_an_image_left_out_takes_no_part_in_what_its_clip_is(faults):
    rows = [row("1", "joy", "p", "c"), row("2", "fear", "p", "c"), row("2b", "joy", "p", "c", real="/data/2")]
    assert [found.id for found in remove_contradictions(rows, faults)] == ["1"]
    assert told(faults) == [("contradictory entries", "2")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("i3.png", "i10.png"), (3, 10)),
        (("x10_0.png", "x9_0.png"), (2, 1)),
        (("b.png", "a1.png"), (2, 1)),
    ],
)
def test_names_without_a_number_each_are_counted_in_their_natural_order(faults, names, expected):
    rows = assign_frame_numbers([row(name, clip="c") for name in names], faults)
    assert frames(rows) == dict(zip(names, expected, strict=True))
    assert told(faults) == []


def test_images_without_a_clip_are_numbered_by_folder_and_stay_apart_from_a_clip_of_its_name(faults):
    rows = [row("a/x1.png"), row("a/y1.png"), row("b/x1.png"), row("c/1.png", frame=8)]
    rows += [row("z/x7.png", clip="a"), row("z/1.png", clip="d", frame=9)]
    found = assign_frame_numbers(rows, faults)
    assert len(found) == len(rows)
    assert frames(found) == {
        "a/x1.png": 1,
        "a/y1.png": 2,
        "b/x1.png": 1,
        "c/1.png": 8,
        "z/x7.png": 7,
        "z/1.png": 9,
    }
    assert told(faults) == []
