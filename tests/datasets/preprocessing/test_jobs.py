from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.faces.face_boxes import Face
from datasets.preprocessing.jobs import (
    MAX_JOB_ROWS,
    MAX_VIDEO_JOB_ROWS,
    PreprocessJob,
    run_job,
    split_into_spans,
)
from datasets.preprocessing.representations import compute_difference, compute_flow
from datasets.spec import DEFAULT_FLOW, FlowSpec, ImageRef, Sample

NOISE = np.random.default_rng(0).integers(0, 256, size=(4, 30, 40, 3), dtype=np.uint8)


def rows(clip: str, count: int, *, path: str = "", item: int = -1) -> list[Sample]:
    return [
        Sample(
            id=f"{clip}/{n}",
            path=path or f"{clip}/{n}",
            frame_index=item,
            label=0,
            subject="",
            clip=clip,
            frame_number=n,
        )
        for n in range(count)
    ]


def test_short_clips_share_a_unit_and_are_not_split() -> None:
    samples = rows("a", 15) + rows("b", 15) + rows("c", 15) + rows("d", MAX_JOB_ROWS)
    assert split_into_spans(samples) == [(0, 30), (30, 45), (45, 45 + MAX_JOB_ROWS)]


def test_long_clips_and_rows_without_clip_are_split() -> None:
    assert split_into_spans(rows("a", 70)) == split_into_spans(rows("", 70)) == [(0, 32), (32, 64), (64, 70)]


def test_recording_is_one_job_up_to_its_limit() -> None:
    video = rows("a", MAX_VIDEO_JOB_ROWS + 1, path="a.avi", item=0)
    assert split_into_spans(video) == [(0, MAX_VIDEO_JOB_ROWS), (MAX_VIDEO_JOB_ROWS, MAX_VIDEO_JOB_ROWS + 1)]
    assert split_into_spans(rows("", 33, path="a.csv", item=0)) == [(0, 32), (32, 33)]


def test_jobs_continue_from_any_row() -> None:
    samples = rows("a", 15) + rows("b", 15) + rows("c", 15)
    assert split_into_spans(samples, 30) == [(30, 45)]
    assert split_into_spans(samples, 20) == [(20, 45)]
    assert split_into_spans(samples, 45) == []


@pytest.fixture
def samples(tmp_path: Path) -> tuple[Sample, ...]:
    sample_list = []
    for frame, image in enumerate(NOISE):
        path = tmp_path / f"{frame}.png"
        cv2.imwrite(str(path), image)
        sample_list.append(
            Sample(
                id=f"a/{frame}",
                path=str(path),
                label=0,
                subject="",
                clip="a",
                frame_number=frame,
                onset_ref=ImageRef(str(tmp_path / "0.png")),
            )
        )
    return tuple(sample_list)


def work(
    samples: tuple[Sample, ...],
    *,
    faces: tuple[Face, ...] = (),
    size: int = 30,
    representation: str = "frame",
    flow: FlowSpec = DEFAULT_FLOW,
) -> PreprocessJob:
    return PreprocessJob(samples=samples, faces=faces, size=size, representation=representation, flow=flow)


def square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (30, 30), interpolation=cv2.INTER_AREA), dtype=np.uint8)


FACE = Face(
    clip="a", subject="", label=0, cascade="alt", box=(5, 2, 20), image_size=(40, 30), box_source="onset"
)


def test_frame_is_rgb_with_channels_first(samples: tuple[Sample, ...]) -> None:
    result = run_job(work(samples))
    assert result.images.shape == (4, 3, 30, 30)
    for image, frame in zip(result.images, NOISE, strict=True):
        assert np.array_equal(image, square(frame)[..., ::-1].transpose(2, 0, 1))
    assert (len(set(result.digests)), result.onsets, result.faults) == (4, (), ())


def test_aligned_frame_is_its_face(samples: tuple[Sample, ...]) -> None:
    result = run_job(work(samples, faces=(FACE,) * 4, size=20))
    assert np.array_equal(result.images[1], NOISE[1, 2:22, 5:25, ::-1].transpose(2, 0, 1))


def test_difference_is_relative_to_the_onset_in_rgb(samples: tuple[Sample, ...]) -> None:
    result = run_job(work(samples, representation="apex_minus_onset"))
    expected = compute_difference(square(NOISE[2]), square(NOISE[0]))[..., ::-1].transpose(2, 0, 1)
    assert np.array_equal(result.images[2], expected)
    assert np.unique(result.images[0]).tolist() == [128]
    assert result.onsets == (result.digests[0],) * 4


def test_flow_is_that_of_the_face_squares_and_keeps_its_channels(samples: tuple[Sample, ...]) -> None:
    result = run_job(work(samples, faces=(FACE,) * 4, representation="flow"))
    expected = compute_flow(NOISE[3, 2:22, 5:25], NOISE[0, 2:22, 5:25], size=30).transpose(2, 0, 1)
    assert np.array_equal(result.images[3], expected)


def test_float_flow_is_kept_in_half_precision(samples: tuple[Sample, ...]) -> None:
    settings = FlowSpec(method="tvl1", size=16, strain="forward", scale="image")
    job = work(samples[:2], size=8, representation="flow", flow=settings)
    result = run_job(job)
    assert result.images.dtype == np.float16
    assert result.images.shape == (2, 3, 8, 8)
    expected = compute_flow(NOISE[1], NOISE[0], size=8, flow=settings).transpose(2, 0, 1)
    assert np.array_equal(result.images[1], expected)
    assert not result.images[0].any(), "the onset does not differ from itself"
    assert result.images.nbytes == 2 * job.image_bytes


def test_faulty_rows_are_listed_and_removed(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"")
    result = run_job(work(samples))
    assert result.faults == ((1, "unreadable image", "the file is empty"),)
    assert np.array_equal(result.images[1], run_job(work(samples[2:3])).images[0])
    assert len(result.images) == 3
    assert len(result.digests) == 4


def test_unreadable_or_missing_onset_is_a_fault_of_its_rows(
    samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    (tmp_path / "junk").write_bytes(b"junk")
    changed = (
        samples[0],
        replace(samples[1], onset_ref=ImageRef(str(tmp_path / "junk"))),
        replace(samples[2], onset_ref=ImageRef(str(tmp_path / "gone"))),
        samples[3],
    )
    result = run_job(work(changed, representation="flow"))
    assert result.faults == (
        (1, "unreadable onset", "OpenCV cannot read the file as an image"),
        (2, "unreadable onset", "the file is missing"),
    )
    assert len(result.images) == 2
    assert len(result.onsets) == 4
    assert run_job(work(changed)).faults == ()


def test_onset_and_video_are_opened_a_single_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "a.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 200, (40, 32))
    for shade in range(10):
        writer.write(np.full((32, 40, 3), 20 * shade, dtype=np.uint8))
    writer.release()
    video = tuple(
        replace(sample, frame_index=item, onset_ref=ImageRef(path, 2))
        for item, sample in enumerate(rows("a", 10, path=path))
    )[2:]
    calls: list[tuple[Any, ...]] = []
    capture = cv2.VideoCapture

    def record_capture(*args: Any) -> cv2.VideoCapture:
        calls.append(args)
        return capture(*args)

    monkeypatch.setattr(cv2, "VideoCapture", record_capture)
    result = run_job(work(video, representation="apex_minus_onset"))
    assert np.abs(result.images.mean(axis=(1, 2, 3)) - [128 + 10 * n for n in range(8)]).max() <= 2
    assert len(calls) == 2
