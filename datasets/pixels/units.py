"""Pixels in units of work: a run of a table's rows is read, cut to the face, resized and represented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.faces.boxes import Face, cropped
from datasets.pixels.decode import Decoded, Reader
from datasets.pixels.represent import represent
from datasets.spec import Picture, Sample

MOST_ROWS = 32
"""Rows of a unit; clips are kept together where they fit. Twice as many, 10 MB at 224 pixels, are slower:
memory in such pieces is given back and asked for anew each time."""

MOST_RECORDED = 512
"""Rows of a unit of one recording, which is decoded from its start."""

# From, to of each channel.
_KEPT, _TURNED = (0, 0, 1, 1, 2, 2), (2, 0, 1, 1, 0, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What to make of which rows: `faces` are the rows' faces, () without alignment."""

    samples: tuple[Sample, ...]
    faces: tuple[Face, ...]
    size: int
    representation: str

    def rows(self, start: int, stop: int) -> Work:
        """The work of some rows alone."""
        return replace(self, samples=self.samples[start:stop], faces=self.faces[start:stop])


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Rows as they came out.

    `images` is uint8 (rows without a fault, 3, size, size); `digests` and `onsets` are the frames' and
    their onsets' digests, `onsets` () where they are not used; `faults` are (row, code, what) with rows
    counted from the unit's first.
    """

    images: NDArray[np.uint8]
    digests: tuple[str, ...]
    onsets: tuple[str, ...]
    faults: tuple[tuple[int, str, str], ...]


def units(samples: Sequence[Sample], start: int = 0) -> list[tuple[int, int]]:
    """Rows from `start` on as (first, last + 1): whole clips up to `MOST_ROWS`, longer clips cut there.

    A clip that lies in a container is cut at `MOST_RECORDED` only.
    """
    found: list[tuple[int, int]] = []
    begin = start
    for (clip, container), rows in groupby(samples[start:], lambda sample: (sample.clip, _container(sample))):
        last = begin + sum(1 for _ in rows)
        most = MOST_RECORDED if clip and container else MOST_ROWS
        for first in range(begin, last, most):
            end = min(first + most, last)
            if found and end - found[-1][0] <= MOST_ROWS:
                found[-1] = (found[-1][0], end)
            else:
                found.append((first, end))
        begin = last
    return found


def _container(sample: Sample) -> str:
    return sample.path if sample.item >= 0 else ""


def make(work: Work) -> Made:
    """Read and make every row of a unit, in order; a fault is noted and the row left out.

    Raises:
        OSError: a sample's file cannot be read at all.
    """
    images = np.empty((len(work.samples), 3, work.size, work.size), dtype=np.uint8)
    digests: list[str] = []
    used: list[str] = []
    faults: list[tuple[int, str, str]] = []
    # An onset may lie in another file than the frames, and neither is to be opened anew for each frame.
    with Reader() as frames, Reader() as others:
        onsets = _Onsets(others)
        for row, sample in enumerate(work.samples):
            face = work.faces[row] if work.faces else None
            found = frames.read(sample.picture)
            digests.append(found.digest)
            onset = found
            if work.representation != "frame":
                onset = onsets.read(sample.onset)
                used.append(onset.digest)
            if found.image is None:
                faults.append((row, "unreadable image", found.fault))
            elif onset.image is None:
                faults.append((row, "unreadable onset", onset.fault))
            else:
                _put(work, _cut(found.image, face), _cut(onset.image, face), out=images[row - len(faults)])
    return Made(
        images=images[: len(work.samples) - len(faults)],
        digests=tuple(digests),
        onsets=tuple(used),
        faults=tuple(faults),
    )


class _Onsets:
    """Reads onsets, of which each serves many rows in turn; one that is not there cannot be read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._last: tuple[Picture | None, Decoded] | None = None

    def read(self, picture: Picture | None) -> Decoded:
        assert picture is not None
        if self._last is None or self._last[0] != picture:
            try:
                found = self._reader.read(picture)
            except (FileNotFoundError, NotADirectoryError):
                found = Decoded(digest="", image=None, fault="the file is not there")
            self._last = (picture, found)
        return self._last[1]


def _cut(image: NDArray[np.uint8], face: Face | None) -> NDArray[np.uint8]:
    return image if face is None else cropped(image, face)


def _put(work: Work, frame: NDArray[np.uint8], onset: NDArray[np.uint8], *, out: NDArray[np.uint8]) -> None:
    """Represent a face in `out`, channels first: red, green, blue, or those of a flow in their order."""
    image = represent(frame, onset, representation=work.representation, size=work.size)
    order = _KEPT if work.representation == "flow" else _TURNED
    cv2.mixChannels([image], list(out), order)
