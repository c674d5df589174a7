"""Face detection for all clips of a table, on all cores, with a cache that is written clip by clip."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any

from datasets.faces.face_boxes import BOX_SOURCES, apply_fallback_boxes, group_by_clip
from datasets.faces.face_boxes import Face as Face
from datasets.faces.face_boxes import count_failures as count_failures
from datasets.faces.haar_detector import (
    CASCADES,
    MIN_NEIGHBORS,
    MIN_SIZE_DIVISOR,
    SCALE_FACTOR,
    FaceDetector,
    check_cascades,
)
from datasets.io.cache_files import (
    atomic_write,
    build_once,
    compute_content_key,
    count_cores,
    get_cache_dir,
    ignore_progress,
)
from datasets.io.image_reader import DecodedImage, ImageReader
from datasets.io.journal import RECORD_ERRORS, Journal
from datasets.spec import ImageRef, Sample, SampleTable

DETECTION_VERSION = 2

ClipSamples = Mapping[str, Sequence[Sample]]
_Entry = dict[str, Any]


def detect_faces(
    table: SampleTable, *, progress: Callable[[int, int], None] | None = None
) -> tuple[Face, ...]:
    """Return the face of every clip, in the order of the table's clips, from the cache or by detection.

    Detection uses all cores and calls `progress` with (clips done, clips in total). A resumed run starts from
    the clips that the interrupted run had done.

    Raises:
        DatasetError: OpenCV's cascades are not installed.
        OSError: a file is missing or cannot be read, or the cache cannot be written.
    """
    clips = group_by_clip(table)
    path = _cache_path(clips)
    callback = ignore_progress if progress is None else progress
    build_once(
        path,
        is_ready=lambda: _load_record(path, clips) is not None,
        build=lambda: _detect_all(clips, path, callback),
        on_skip=lambda: callback(len(clips), len(clips)),
    )
    faces = _load_record(path, clips)
    assert faces is not None
    return apply_fallback_boxes(faces)


def load_cached_faces(table: SampleTable) -> tuple[Face, ...] | None:
    """Return the faces if the cache has all of them, else None. Opens no image.

    Raises:
        OSError: a file is missing.
    """
    clips = group_by_clip(table)
    faces = _load_record(_cache_path(clips), clips)
    return None if faces is None else apply_fallback_boxes(faces)


def _cache_path(clips: ClipSamples) -> Path:
    samples = [sample for clip in clips.values() for sample in clip]
    settings = [DETECTION_VERSION, CASCADES, SCALE_FACTOR, MIN_NEIGHBORS, MIN_SIZE_DIVISOR]
    clip_info = [[name, len(clip), [sample.role for sample in clip]] for name, clip in clips.items()]
    return (
        get_cache_dir()
        / "faces"
        / f"{compute_content_key([*settings, clip_info], samples, include_onsets=True)}.json"
    )


def _load_record(path: Path, clips: ClipSamples) -> tuple[Face, ...] | None:
    """Return the cached faces, or None if the record is missing or unreadable."""
    try:
        entries = json.loads(path.read_bytes())
        return tuple(
            _parse_face(name, samples[0], entry)
            for (name, samples), entry in zip(clips.items(), entries, strict=True)
        )
    except (FileNotFoundError, *RECORD_ERRORS):
        return None


def _parse_face(name: str, sample: Sample, entry: _Entry) -> Face:
    """Parse a face from an entry of the record.

    Raises:
        One of `RECORD_ERRORS`: `_detect_clip` cannot have written this entry.
    """
    left, top, side = map(int, entry["box"])
    width, height = map(int, entry["image"])
    if entry["source"] not in ("", *BOX_SOURCES):
        raise ValueError("unknown source")
    if min(left, top, side, width - left - side, height - top - side) < 0 or (entry["cascade"] and not side):
        raise ValueError("box outside the image")
    if entry["source"] != "unreadable" and not (width and height):
        raise ValueError("image without a size")
    return Face(
        clip=name,
        subject=sample.subject,
        label=sample.label,
        cascade=str(entry["cascade"]),
        box=(left, top, side),
        image_size=(width, height),
        box_source=entry["source"],
        onset_fault=str(entry["fault"]),
    )


def _detect_all(clips: ClipSamples, path: Path, progress: Callable[[int, int], None]) -> None:
    """Detect the faces that are not in the journal yet, and write the record."""
    check_cascades()
    names = list(clips)
    journal = Journal(path)
    try:
        for entry, name in zip(journal.entries, names[: len(journal.entries)], strict=True):
            _parse_face(name, clips[name][0], entry)
    except RECORD_ERRORS:
        journal.reset()
    progress(len(journal.entries), len(names))
    thread_state = local()

    def detect_clip(name: str) -> _Entry:
        if not hasattr(thread_state, "detector"):
            thread_state.detector = FaceDetector()
        return _detect_clip(clips[name], thread_state.detector)

    with journal:
        pool = ThreadPoolExecutor(count_cores())
        try:
            for result in pool.map(detect_clip, names[len(journal.entries) :]):
                journal.append(result)
                progress(len(journal.entries), len(names))
        finally:
            pool.shutdown(cancel_futures=True)
        atomic_write(path, json.dumps(journal.entries).encode())


def _detect_clip(clip: Sequence[Sample], detector: FaceDetector) -> _Entry:
    """Return the entry of the first image with a detected face, in the order of `_list_candidates`."""
    first_size, fault = (0, 0), ""
    candidates, others = _list_candidates(clip)
    with ImageReader() as reader:
        for index, image_ref in enumerate((*candidates, *others)):
            # The other images are needed only for the image size.
            if index >= len(candidates) and first_size != (0, 0):
                break
            frame = _read_frame(reader, image_ref, is_sample=image_ref != clip[0].onset_ref)
            fault = frame.fault if index == 0 else fault
            image = frame.image
            if image is None:
                continue
            image_size = (image.shape[1], image.shape[0])
            if detection := detector.detect(image):
                box_source = "onset" if index == 0 else "other frame"
                return {
                    "cascade": detection[0],
                    "box": detection[1],
                    "image": image_size,
                    "source": box_source,
                    "fault": fault,
                }
            first_size = image_size if first_size == (0, 0) else first_size
    box_source = "" if first_size != (0, 0) else "unreadable"
    return {"cascade": "", "box": (0, 0, 0), "image": first_size, "source": box_source, "fault": fault}


def _list_candidates(clip: Sequence[Sample]) -> tuple[list[ImageRef], list[ImageRef]]:
    """Return the images to search for a face, the onset first, and the other images of the clip."""
    first = clip[0].onset_ref or clip[0].image_ref
    apexes = [sample.image_ref for sample in clip if sample.role == "apex"]
    candidates = [first, *apexes, clip[len(clip) // 2].image_ref, clip[-1].image_ref]
    others = [sample.image_ref for sample in clip]
    return list(dict.fromkeys(candidates)), [
        image_ref for image_ref in dict.fromkeys(others) if image_ref not in candidates
    ]


def _read_frame(reader: ImageReader, image_ref: ImageRef, *, is_sample: bool) -> DecodedImage:
    """Read an image. A missing onset file is a fault, but a missing sample file raises an error."""
    try:
        return reader.read(image_ref)
    except (FileNotFoundError, NotADirectoryError):
        if is_sample:
            raise
        return DecodedImage(digest="", image=None, fault="the file is missing")
