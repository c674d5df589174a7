"""Pixels, made once: every image of a table at one size, in one file that is mapped and not read.

The file's name is a digest of what it was made from, so changed data never meet old pixels; how it comes to
be whole is in `datasets.pixels.making`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.faces.boxes import Face, clip_key
from datasets.faces.search import detect_faces
from datasets.pixels.losses import (
    make_face_anomalies,
    make_label_anomalies,
    make_onset_anomalies,
    make_read_anomalies,
)
from datasets.pixels.making import CacheRecord, load_or_build_record
from datasets.pixels.store import compute_content_key, ignore_progress
from datasets.pixels.store import get_cache_dir as get_cache_dir
from datasets.pixels.units import PreprocessJob
from datasets.spec import ALIGNMENTS, REPRESENTATIONS, SampleTable

CACHE_VERSION = 2

Images = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArray:
    """A table's images, row i that of `table.samples[i]`.

    `table` is the one given less the samples that could not be made, which are among its anomalies, as are
    the clips on which no face was found and the images with two labels; `images` is uint8 (N, 3, size, size),
    RGB save for flows, read-only. `fingerprint` depends on the labels, on the bytes of the image files, on
    the faces' boxes where the images are aligned, on the onsets' bytes where they are used and on whether the
    faces are drawn, and on nothing of this machine. `digests` are those of the image files, of the pixels in
    a container; `faces` are the clips' faces, () without alignment.
    """

    table: SampleTable
    images: Images
    fingerprint: str
    digests: tuple[str, ...] = ()
    faces: tuple[Face, ...] = ()


def preprocess_images(
    table: SampleTable,
    *,
    size: int,
    alignment: str = "none",
    representation: str = "frame",
    progress: Callable[[int, int], None] | None = None,
) -> ImageArray:
    """Every image of the table at `size` pixels a side, made on all cores unless the cache has them.

    `alignment` and `representation` are as in `DatasetSpec`. `progress` is called with (images done, images
    in all) while they are made, and begins at what an interrupted run had done.

    Raises:
        ValueError: no image of the table can be read, or none has the onset that its representation needs.
        OSError: an image file has gone, or the cache cannot be written, as on a full disk.
    """
    assert alignment in ALIGNMENTS, alignment
    assert representation in REPRESENTATIONS, representation
    input_table = table if representation == "frame" else _drop_without_onset(table, representation)
    faces = detect_faces(table) if alignment == "haar" else ()
    face_by_clip = {face.clip: face for face in faces}
    job = PreprocessJob(
        samples=input_table.samples,
        faces=tuple(face_by_clip[clip_key(sample)] for sample in input_table.samples) if faces else (),
        size=size,
        representation=representation,
    )
    path = get_cache_dir() / "pixels" / f"{_cache_key(job)}.rgb"
    record = load_or_build_record(job, path, ignore_progress if progress is None else progress)
    return _build_image_array(input_table, record, faces, path, size)


def _drop_without_onset(table: SampleTable, representation: str) -> SampleTable:
    """The samples whose clip's onset the release holds, and an anomaly for every clip without.

    Raises:
        ValueError: there are none.
    """
    samples = tuple(sample for sample in table.samples if sample.onset_ref is not None)
    if not samples:
        raise ValueError(
            f"the representation {representation!r} compares a frame with its clip's onset; none of the "
            f"{len(table.samples)} samples of {table.dataset} has one. Choose the representation 'frame', or "
            "a release that holds the onset frames."
        )
    anomalies = make_onset_anomalies([sample for sample in table.samples if sample.onset_ref is None])
    return replace(table, samples=samples, anomalies=table.anomalies + anomalies)


def _cache_key(job: PreprocessJob) -> str:
    """A digest of all that the cached pixels depend on."""
    boxes = [[*face.box, *face.image_size, face.box_source] for face in job.faces]
    payload = [CACHE_VERSION, job.size, job.representation, boxes]
    return compute_content_key(payload, job.samples, include_onsets=job.representation != "frame")


def _build_image_array(
    table: SampleTable, record: CacheRecord, faces: tuple[Face, ...], path: Path, size: int
) -> ImageArray:
    """The pixels of a whole cache file, with the rows that were left out as anomalies.

    Raises:
        ValueError: all were left out.
    """
    faulty_rows = {row for row, _, _ in record.faults}
    rows = [row for row in range(len(table.samples)) if row not in faulty_rows]
    if not rows:
        raise ValueError(
            f"none of the {len(table.samples)} images of {table.dataset} can be read; copy them anew."
        )
    faults = make_read_anomalies((table.samples[row], code, message) for row, code, message in record.faults)
    readable_table = replace(
        table,
        samples=tuple(table.samples[row] for row in rows),
        anomalies=table.anomalies + faults + make_face_anomalies(faces),
    )
    digests = tuple(record.digests[row] for row in rows)
    conflicts = make_label_anomalies(readable_table, digests)
    readable_table = replace(readable_table, anomalies=readable_table.anomalies + conflicts)
    onset_digests = tuple(record.onsets[row] for row in rows) if record.onsets else ()
    return ImageArray(
        table=readable_table,
        images=np.memmap(path, dtype=np.uint8, mode="r", shape=(len(rows), 3, size, size)),
        fingerprint=_compute_fingerprint(readable_table, digests, onset_digests, faces),
        digests=digests,
        faces=faces,
    )


def _compute_fingerprint(
    table: SampleTable, digests: Sequence[str], onset_digests: Sequence[str], faces: Sequence[Face]
) -> str:
    """A digest of the classes and, in the order of ids, of every sample, its file's bytes, box and onset.

    It tells drawn faces from the same bytes without their mark, whose runs do not say what they are of.
    """
    lines = [
        [sample.id, sample.label, sample.subject, sample.clip, sample.frame_number, digest]
        for sample, digest in zip(table.samples, digests, strict=True)
    ]
    lines.sort(key=lambda line: str(line[0]))
    payload: list[object] = [table.classes, lines]
    if faces:
        clips = {clip_key(sample) for sample in table.samples}
        payload.append(
            sorted([face.clip, *face.box, *face.image_size] for face in faces if face.clip in clips)
        )
    if onset_digests:
        payload.append(
            sorted(
                [sample.id, onset_digest]
                for sample, onset_digest in zip(table.samples, onset_digests, strict=True)
            )
        )
    if table.synthetic:
        payload.append("drawn")
    return hashlib.sha256(json.dumps(payload).encode()).hexdigest()
