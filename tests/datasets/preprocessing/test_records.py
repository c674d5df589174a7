"""Tests of the record of a pixel file: how it validates the file, and when the file is built again."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from datasets.preprocessing.image_cache import load_or_build_record
from datasets.preprocessing.jobs import PreprocessJob, run_job
from datasets.spec import ImageRef, Sample

SIZE = 6


@pytest.fixture
def work(tmp_path: Path) -> PreprocessJob:
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
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "made.rgb"


class Progress(list[tuple[int, int]]):
    def __call__(self, finished: int, total: int) -> None:
        self.append((finished, total))


def test_rows_are_recorded_in_order_across_units(
    work: PreprocessJob, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = run_job(work)
    monkeypatch.setattr("datasets.preprocessing.jobs.MAX_JOB_ROWS", 3)
    seen = Progress()
    record = load_or_build_record(work, target, seen)
    assert seen == [(0, 7), (3, 7), (6, 7), (7, 7)]
    assert record.digests == complete.digests
    assert [(row, code) for row, code, _ in record.faults] == [
        (2, "unreadable image"),
        (5, "unreadable image"),
    ]
    assert record.faults == complete.faults, "row numbers of later units continue"
    assert record.onsets == ()
    assert target.read_bytes() == complete.images.tobytes()
    assert target.stat().st_size == record.image_count * work.image_bytes == 5 * 3 * SIZE * SIZE
    assert sorted(path.name for path in target.parent.iterdir() if path.suffix != ".lock") == [
        "made.json",
        "made.rgb",
    ]


def with_change(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Return a record with one field changed, as if another program had written to the file."""

    def damage(target: Path) -> None:
        record = json.loads(target.with_suffix(".json").read_text())
        change(record)
        target.with_suffix(".json").write_text(json.dumps(record))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda target: target.unlink(),
        lambda target: target.write_bytes(target.read_bytes() + b"x"),
        with_change(lambda record: record["digests"].append("a")),
        with_change(lambda record: record["digests"].pop()),
        with_change(lambda record: (record["digests"].append("a"), record["faults"].append([7, "c", "w"]))),
        with_change(lambda record: record["faults"].pop()),
        with_change(lambda record: record.update(onsets=["a"] * 7)),
        with_change(lambda record: record["faults"].__setitem__(1, [-1, "c", "w"])),
    ],
)
def test_pixels_with_an_invalid_record_are_rebuilt(
    work: PreprocessJob, target: Path, damage: Callable[[Path], object]
) -> None:
    first = load_or_build_record(work, target, Progress())
    pixels = target.read_bytes()
    damage(target)
    seen = Progress()
    assert load_or_build_record(work, target, seen) == first
    assert seen == [(0, 7), (7, 7)]
    assert target.read_bytes() == pixels


def test_record_of_frames_does_not_match_a_job_with_onsets(
    work: PreprocessJob, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.preprocessing.jobs.MAX_JOB_ROWS", 3)
    load_or_build_record(work, target, Progress())
    seen = Progress()
    record = load_or_build_record(replace(work, representation="apex_minus_onset"), target, seen)
    assert seen == [(0, 7), (3, 7), (6, 7), (7, 7)]
    plain = run_job(work).digests
    assert (record.digests, record.onsets) == (plain, tuple(plain[n // 3 * 3] for n in range(7)))


def test_rows_that_all_fail_leave_a_valid_empty_file(work: PreprocessJob, target: Path) -> None:
    broken = work.slice_rows(2, 3)
    record = load_or_build_record(broken, target, Progress())
    assert (len(record.digests), target.stat().st_size) == (1, 0)
    seen = Progress()
    assert load_or_build_record(broken, target, seen) == record
    assert seen == []


def test_missing_file_is_an_error_that_keeps_finished_units(
    work: PreprocessJob, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.preprocessing.jobs.MAX_JOB_ROWS", 3)
    complete = run_job(work)
    moved = (gone := target.parent.parent / "6.png").rename(target.parent.parent / "away.png")
    with pytest.raises(FileNotFoundError, match=r"6\.png"):
        load_or_build_record(work, target, Progress())
    assert not target.exists()
    moved.rename(gone)
    seen = Progress()
    record = load_or_build_record(work, target, seen)
    assert seen == [(6, 7), (7, 7)]
    assert (record.digests, record.faults) == (complete.digests, complete.faults)
    assert target.read_bytes() == complete.images.tobytes()
