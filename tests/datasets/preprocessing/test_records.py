"""Tests of the record of a pixel file: how it validates the file, and when the file is built again."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets.preprocessing.image_cache import load_or_build_record
from datasets.preprocessing.jobs import PreprocessJob, run_job
from datasets.spec import ImageRef, Sample

SIZE = 6


@pytest.fixture
def work(tmp_path):
    """Return a job of seven frames of three clips; frames 2 and 5 cannot be read."""
    noise = np.random.default_rng(0).integers(0, 256, size=(7, 12, 10, 3), dtype=np.uint8)
    samples = []
    for n, image in enumerate(noise):
        path = tmp_path / f"{n}.png"
        cv2.imwrite(str(path), image)
        if n in (2, 5):
            path.write_bytes(b"no image")
        onset = ImageRef(str(tmp_path / f"{n // 3 * 3}.png"))
        samples.append(
            Sample(
                id=str(n),
                path=str(path),
                label=0,
                subject="",
                clip=f"c{n // 3}",
                frame_number=n,
                onset_ref=onset,
            )
        )
    return PreprocessJob(samples=tuple(samples), faces=(), size=SIZE, representation="frame")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "cache" / "made.rgb"


class Progress(list):
    def __call__(self, done, total):
        self.append((done, total))


def test_rows_are_recorded_in_order_across_units(work, place, monkeypatch):
    whole = run_job(work)
    monkeypatch.setattr("datasets.preprocessing.jobs.MAX_JOB_ROWS", 3)
    seen = Progress()
    record = load_or_build_record(work, place, seen)
    assert seen == [(0, 7), (3, 7), (6, 7), (7, 7)]
    assert record.digests == whole.digests
    assert [(row, code) for row, code, _ in record.faults] == [
        (2, "unreadable image"),
        (5, "unreadable image"),
    ]
    assert record.faults == whole.faults, "rows of a later unit are counted from the first of all"
    assert record.onsets == ()
    assert place.read_bytes() == whole.images.tobytes()
    assert place.stat().st_size == record.image_bytes(SIZE) == 5 * 3 * SIZE * SIZE
    assert sorted(path.name for path in place.parent.iterdir() if path.suffix != ".lock") == [
        "made.json",
        "made.rgb",
    ]


def spoilt(change):
    """Return a record with one field changed, as if another program had written to the file."""

    def spoil(place):
        found = json.loads(place.with_suffix(".json").read_text())
        change(found)
        place.with_suffix(".json").write_text(json.dumps(found))

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        lambda place: place.unlink(),
        lambda place: place.write_bytes(place.read_bytes() + b"x"),
        spoilt(lambda found: found["digests"].append("a")),
        spoilt(lambda found: found["digests"].pop()),
        spoilt(lambda found: (found["digests"].append("a"), found["faults"].append([7, "c", "w"]))),
        spoilt(lambda found: found["faults"].pop()),
        spoilt(lambda found: found.update(onsets=["a"] * 7)),
        spoilt(lambda found: found["faults"].__setitem__(1, [-1, "c", "w"])),
    ],
)
def test_pixels_that_their_record_does_not_vouch_for_are_made_anew(work, place, spoil):
    first = load_or_build_record(work, place, Progress())
    pixels = place.read_bytes()
    spoil(place)
    seen = Progress()
    assert load_or_build_record(work, place, seen) == first
    assert seen == [(0, 7), (7, 7)]
    assert place.read_bytes() == pixels


def test_a_record_of_frames_does_not_stand_for_work_with_onsets(work, place, monkeypatch):
    monkeypatch.setattr("datasets.preprocessing.jobs.MAX_JOB_ROWS", 3)
    load_or_build_record(work, place, Progress())
    seen = Progress()
    found = load_or_build_record(replace(work, representation="apex_minus_onset"), place, seen)
    assert seen == [(0, 7), (3, 7), (6, 7), (7, 7)]
    plain = run_job(work).digests
    assert (found.digests, found.onsets) == (plain, tuple(plain[n // 3 * 3] for n in range(7)))


def test_rows_that_all_failed_leave_an_empty_file_that_is_whole(work, place):
    broken = work.slice_rows(2, 3)
    record = load_or_build_record(broken, place, Progress())
    assert (len(record.digests), place.stat().st_size) == (1, 0)
    seen = Progress()
    assert load_or_build_record(broken, place, seen) == record
    assert seen == []


def test_a_sample_whose_file_has_gone_is_an_error_that_keeps_the_units_before_it(work, place, monkeypatch):
    monkeypatch.setattr("datasets.preprocessing.jobs.MAX_JOB_ROWS", 3)
    whole = run_job(work)
    moved = (gone := place.parent.parent / "6.png").rename(place.parent.parent / "away.png")
    with pytest.raises(FileNotFoundError, match=r"6\.png"):
        load_or_build_record(work, place, Progress())
    assert not place.exists()
    moved.rename(gone)
    seen = Progress()
    record = load_or_build_record(work, place, seen)
    assert seen == [(6, 7), (7, 7)]
    assert (record.digests, record.faults) == (whole.digests, whole.faults)
    assert place.read_bytes() == whole.images.tobytes()
