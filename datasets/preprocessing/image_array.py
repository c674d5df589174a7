"""Preprocessed images of a table at one size, cached in one memory-mapped file.

The file name is a digest of all inputs, so changed data never use outdated pixels.
`datasets.preprocessing.image_cache` writes the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from datasets.errors import DatasetError
from datasets.faces.detection import detect_faces
from datasets.faces.face_boxes import Face, clip_key
from datasets.io.cache_files import compute_content_key, get_cache_dir, ignore_progress
from datasets.preprocessing.image_cache import CacheRecord, load_or_build_record
from datasets.preprocessing.jobs import Images, PreprocessJob
from datasets.preprocessing.skipped_samples import (
    make_face_anomalies,
    make_label_anomalies,
    make_onset_anomalies,
    make_read_anomalies,
)
from datasets.spec import ALIGNMENTS, DEFAULT_FLOW, REPRESENTATIONS, FlowSpec, SampleTable
from datasets.text import pluralize

CACHE_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArray:
    """The preprocessed images of a table; row i belongs to `table.samples[i]`.

    Attributes:
        table: The input table without the samples that could not be preprocessed. Its anomalies list these
            samples, the clips without a detected face, and the images with two labels.
        images: Read-only array (N, 3, size, size): RGB bytes, or u, v and strain of type `flow.dtype` if the
            representation is "flow".
        fingerprint: Digest of the labels, the bytes of the image files, the face boxes (if aligned), the
            bytes of the onsets (if used), and whether the faces are synthetic. It does not depend on the
            machine.
        digests: Digest of each image file, or of the pixels of each image in a container.
        faces: The face of each clip that is not aligned already, () without alignment.
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
    flow: FlowSpec = DEFAULT_FLOW,
    progress: Callable[[int, int], None] | None = None,
    face_progress: Callable[[int, int], None] | None = None,
) -> ImageArray:
    """Return every image of the table at `size` x `size` pixels, from the cache or preprocessed on all cores.

    `alignment`, `representation` and `flow` are as in `DatasetSpec`. Preprocessing calls `progress` with
    (images done, images in total); a resumed run starts from the images that the interrupted run had done.
    Face detection calls `face_progress` in the same way, with clips.

    Raises:
        DatasetError: no image of the table can be read, the user may not read one, or the representation
            needs onsets and no clip has one.
        OSError: an image file is missing, or the cache cannot be written, for example on a full disk.
    """
    assert alignment in ALIGNMENTS, alignment
    assert representation in REPRESENTATIONS, representation
    input_table = table if representation == "frame" else _drop_without_onset(table, representation)
    with _explain_unreadable_files(table):
        faces = detect_faces(table, progress=face_progress) if alignment == "haar" else ()
    face_by_clip = {face.clip: face for face in faces}
    job = PreprocessJob(
        samples=input_table.samples,
        faces=tuple(face_by_clip.get(clip_key(sample)) for sample in input_table.samples) if faces else (),
        size=size,
        representation=representation,
        flow=flow,
    )
    path = get_cache_dir() / "pixels" / f"{_cache_key(job)}.rgb"
    with _explain_unreadable_files(input_table):
        record = load_or_build_record(job, path, ignore_progress if progress is None else progress)
    return _build_image_array(input_table, record, faces, path, job)


@contextmanager
def _explain_unreadable_files(table: SampleTable) -> Iterator[None]:
    """Raise DatasetError for a file of the table that the user may not read.

    Such a file is not an anomaly: the cache would still list it once it can be read.
    """
    try:
        yield
    except PermissionError as error:
        if error.filename not in {sample.path for sample in table.samples}:
            raise
        raise DatasetError(
            "image.not-readable",
            f"every image must be readable; {error.filename} is not ({error.strerror}): allow your user to "
            "read it, or move it out of the data set",
        ) from error


def _drop_without_onset(table: SampleTable, representation: str) -> SampleTable:
    """Drop the samples whose clip has no onset frame, and add an anomaly for each such clip.

    Raises:
        DatasetError: no sample has an onset frame.
    """
    samples = tuple(sample for sample in table.samples if sample.onset_ref is not None)
    if not samples:
        raise DatasetError(
            "representation.no-onset",
            f"the representation {representation!r} compares a frame with its clip's onset; none of the "
            f"{pluralize(len(table.samples), 'sample')} of {table.dataset} has one. Choose the "
            "representation 'frame', or a release that holds the onset frames.",
        )
    anomalies = make_onset_anomalies([sample for sample in table.samples if sample.onset_ref is None])
    return replace(table, samples=samples, anomalies=table.anomalies + anomalies)


def _cache_key(job: PreprocessJob) -> str:
    """Return a digest of everything that the cached pixels depend on."""
    boxes = [[*face.box, *face.image_size, face.box_source] if face else [] for face in job.faces]
    payload = [CACHE_VERSION, job.size, job.representation, boxes]
    if job.flow != DEFAULT_FLOW:
        payload.append(asdict(job.flow))
    return compute_content_key(payload, job.samples, include_onsets=job.representation != "frame")


def _build_image_array(
    table: SampleTable, record: CacheRecord, faces: tuple[Face, ...], path: Path, job: PreprocessJob
) -> ImageArray:
    """Build the array of a complete cache file, and list the rows that were left out as anomalies.

    Raises:
        DatasetError: all rows were left out.
    """
    faulty_rows = {row for row, _, _ in record.faults}
    rows = [row for row in range(len(table.samples)) if row not in faulty_rows]
    if not rows:
        raise DatasetError(
            "images.unreadable",
            f"none of the {pluralize(len(table.samples), 'image')} of {table.dataset} can be read; copy them "
            "again.",
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
        images=np.memmap(path, dtype=job.flow.dtype, mode="r", shape=(len(rows), 3, job.size, job.size)),
        fingerprint=_compute_fingerprint(readable_table, digests, onset_digests, faces),
        digests=digests,
        faces=faces,
    )


def _compute_fingerprint(
    table: SampleTable, digests: Sequence[str], onset_digests: Sequence[str], faces: Sequence[Face]
) -> str:
    """Return a digest of the classes and, sorted by id, of every sample with its file digest, box and onset.

    Synthetic faces have another fingerprint than the same bytes without the marker file, because runs on the
    latter are not reported as synthetic.
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
