"""Preprocessing jobs: each reads, crops, resizes and represents consecutive rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.faces.face_boxes import Face, crop_face
from datasets.io.image_reader import DecodedImage, ImageReader
from datasets.preprocessing.representations import represent
from datasets.spec import DEFAULT_FLOW, FlowSpec, ImageRef, Sample

MAX_JOB_ROWS = 32
"""Maximum rows of a job; clips that fit are not split.

Twice as many rows, 10 MB at 224 pixels, are slower: the allocator returns blocks of that size to the
operating system and requests them again for each job.
"""

MAX_VIDEO_JOB_ROWS = 512
"""Maximum rows of a job on one video, which is decoded from its start."""

_BGR_TO_RGB = (2, 0, 1, 1, 0, 2)
"""(source, target) of each channel, as `cv2.mixChannels` expects."""


Images = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessJob:
    """The rows to preprocess and the settings.

    `faces` holds the face of each row, None for a row of an aligned part, () without alignment.
    """

    samples: tuple[Sample, ...]
    faces: tuple[Face | None, ...]
    size: int
    representation: str
    flow: FlowSpec = DEFAULT_FLOW

    @property
    def image_bytes(self) -> int:
        """Size of one preprocessed image in bytes."""
        return 3 * self.size**2 * np.dtype(self.flow.dtype).itemsize

    def slice_rows(self, start: int, stop: int) -> PreprocessJob:
        """Return the job for rows `start` to `stop` - 1."""
        return replace(self, samples=self.samples[start:stop], faces=self.faces[start:stop])


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessResult:
    """The preprocessed rows of a job.

    Attributes:
        images: (rows without a fault, 3, size, size) of type `flow.dtype`, uint8 unless the flow is float.
        digests: Digest of each row's frame.
        onsets: Digest of each row's onset frame, () if the representation does not use onsets.
        faults: (row, code, message) of each skipped row; rows count from the job's first row.
    """

    images: Images
    digests: tuple[str, ...]
    onsets: tuple[str, ...]
    faults: tuple[tuple[int, str, str], ...]


def split_into_spans(samples: Sequence[Sample], start: int = 0) -> list[tuple[int, int]]:
    """Split the rows from `start` on into spans (first, last + 1), one per job.

    A span holds whole clips of at most `MAX_JOB_ROWS` rows in total, or a part of a longer clip. Clips in a
    container are split at `MAX_VIDEO_JOB_ROWS` rows.
    """
    spans: list[tuple[int, int]] = []
    begin = start
    for (clip, container), rows in groupby(
        samples[start:], lambda sample: (sample.clip, _container_path(sample))
    ):
        last = begin + sum(1 for _ in rows)
        max_rows = MAX_VIDEO_JOB_ROWS if clip and container else MAX_JOB_ROWS
        for first in range(begin, last, max_rows):
            end = min(first + max_rows, last)
            if spans and end - spans[-1][0] <= MAX_JOB_ROWS:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((first, end))
        begin = last
    return spans


def _container_path(sample: Sample) -> str:
    return sample.path if sample.frame_index >= 0 else ""


def run_job(job: PreprocessJob) -> PreprocessResult:
    """Preprocess every row of a job, in order; record the fault of an unreadable row and skip it.

    Raises:
        OSError: a sample's file cannot be opened.
    """
    images = np.empty((len(job.samples), 3, job.size, job.size), dtype=job.flow.dtype)
    digests: list[str] = []
    onset_digests: list[str] = []
    faults: list[tuple[int, str, str]] = []
    # Onsets may be in another container than the frames; two readers keep both containers open.
    with ImageReader() as frame_reader, ImageReader() as onset_file_reader:
        onset_reader = _OnsetReader(onset_file_reader)
        for row, sample in enumerate(job.samples):
            face = job.faces[row] if job.faces else None
            frame = frame_reader.read(sample.image_ref)
            digests.append(frame.digest)
            onset = frame
            if job.representation != "frame":
                onset = onset_reader.read(sample.onset_ref)
                onset_digests.append(onset.digest)
            if frame.image is None:
                faults.append((row, "unreadable image", frame.fault))
            elif onset.image is None:
                faults.append((row, "unreadable onset", onset.fault))
            else:
                _write_row(
                    job, _crop(frame.image, face), _crop(onset.image, face), out=images[row - len(faults)]
                )
    return PreprocessResult(
        images=images[: len(job.samples) - len(faults)],
        digests=tuple(digests),
        onsets=tuple(onset_digests),
        faults=tuple(faults),
    )


class _OnsetReader:
    """Read onset images and keep the last one, which consecutive rows share. A missing file is a fault."""

    def __init__(self, reader: ImageReader) -> None:
        self._reader = reader
        self._last: tuple[ImageRef | None, DecodedImage] | None = None

    def read(self, image_ref: ImageRef | None) -> DecodedImage:
        assert image_ref is not None
        if self._last is None or self._last[0] != image_ref:
            try:
                onset = self._reader.read(image_ref)
            except (FileNotFoundError, NotADirectoryError):
                onset = DecodedImage(digest="", image=None, fault="the file is missing")
            self._last = (image_ref, onset)
        return self._last[1]


def _crop(image: NDArray[np.uint8], face: Face | None) -> NDArray[np.uint8]:
    return image if face is None else crop_face(image, face)


def _write_row(
    job: PreprocessJob, frame: NDArray[np.uint8], onset: NDArray[np.uint8], *, out: Images
) -> None:
    """Write the representation of a face to `out`, channels first: RGB, or u, v and strain for "flow"."""
    image = represent(frame, onset, representation=job.representation, size=job.size, flow=job.flow)
    if job.representation == "flow":
        out[:] = image.transpose(2, 0, 1)
    else:
        cv2.mixChannels([image], list(out), _BGR_TO_RGB)
