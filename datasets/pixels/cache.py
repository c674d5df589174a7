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

from datasets.faces.boxes import Face, unit
from datasets.faces.search import find_faces
from datasets.pixels.losses import faceless, under_two_labels, unreadable, without_onset
from datasets.pixels.making import Record, record_of
from datasets.pixels.store import cache_dir as cache_dir
from datasets.pixels.store import content_key, silent
from datasets.pixels.units import Work
from datasets.spec import ALIGNMENTS, REPRESENTATIONS, SampleTable

VERSION = 2

Images = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
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


def pixels(
    table: SampleTable,
    *,
    size: int,
    alignment: str = "none",
    representation: str = "frame",
    progress: Callable[[int, int], None] | None = None,
) -> Pixels:
    """Every image of the table at `size` pixels a side, made on all cores unless the cache has them.

    `alignment` and `representation` are as in `DatasetSpec`. `progress` is called with (images done, images
    in all) while they are made, and begins at what an interrupted run had done.

    Raises:
        ValueError: no image of the table can be read, or none has the onset that its representation needs.
        OSError: an image file has gone, or the cache cannot be written, as on a full disk.
    """
    assert alignment in ALIGNMENTS, alignment
    assert representation in REPRESENTATIONS, representation
    given = table if representation == "frame" else _with_onsets(table, representation)
    faces = find_faces(table) if alignment == "haar" else ()
    of_unit = {face.clip: face for face in faces}
    work = Work(
        samples=given.samples,
        faces=tuple(of_unit[unit(sample)] for sample in given.samples) if faces else (),
        size=size,
        representation=representation,
    )
    place = cache_dir() / "pixels" / f"{_key(work)}.rgb"
    record = record_of(work, place, silent if progress is None else progress)
    return _pixels(given, record, faces, place, size)


def _with_onsets(table: SampleTable, representation: str) -> SampleTable:
    """The samples whose clip's onset the release holds, and an anomaly for every clip without.

    Raises:
        ValueError: there are none.
    """
    kept = tuple(sample for sample in table.samples if sample.onset is not None)
    if not kept:
        raise ValueError(
            f"the representation {representation!r} compares a frame with its clip's onset; none of the "
            f"{len(table.samples)} samples of {table.dataset} has one. Choose the representation 'frame', or "
            "a release that holds the onset frames."
        )
    lost = without_onset([sample for sample in table.samples if sample.onset is None])
    return replace(table, samples=kept, anomalies=table.anomalies + lost)


def _key(work: Work) -> str:
    """A digest of all that the cached pixels depend on."""
    boxes = [[*face.box, *face.image, face.source] for face in work.faces]
    facts = [VERSION, work.size, work.representation, boxes]
    return content_key(facts, work.samples, onsets=work.representation != "frame")


def _pixels(table: SampleTable, record: Record, faces: tuple[Face, ...], place: Path, size: int) -> Pixels:
    """The pixels of a whole cache file, with the rows that were left out as anomalies.

    Raises:
        ValueError: all were left out.
    """
    lost = {row for row, _, _ in record.faults}
    kept = [row for row in range(len(table.samples)) if row not in lost]
    if not kept:
        raise ValueError(
            f"none of the {len(table.samples)} images of {table.dataset} can be read; copy them anew."
        )
    faults = unreadable((table.samples[row], code, what) for row, code, what in record.faults)
    readable = replace(
        table,
        samples=tuple(table.samples[row] for row in kept),
        anomalies=table.anomalies + faults + faceless(faces),
    )
    digests = tuple(record.digests[row] for row in kept)
    conflicts = under_two_labels(readable, digests)
    readable = replace(readable, anomalies=readable.anomalies + conflicts)
    onsets = tuple(record.onsets[row] for row in kept) if record.onsets else ()
    return Pixels(
        table=readable,
        images=np.memmap(place, dtype=np.uint8, mode="r", shape=(len(kept), 3, size, size)),
        fingerprint=_fingerprint(readable, digests, onsets, faces),
        digests=digests,
        faces=faces,
    )


def _fingerprint(
    table: SampleTable, digests: Sequence[str], onsets: Sequence[str], faces: Sequence[Face]
) -> str:
    """A digest of the classes and, in the order of ids, of every sample, its file's bytes, box and onset.

    It tells drawn faces from the same bytes without their mark, whose runs do not say what they are of.
    """
    lines = [
        [sample.id, sample.label, sample.subject, sample.clip, sample.frame, digest]
        for sample, digest in zip(table.samples, digests, strict=True)
    ]
    lines.sort(key=lambda line: str(line[0]))
    facts: list[object] = [table.classes, lines]
    if faces:
        used = {unit(sample) for sample in table.samples}
        facts.append(sorted([face.clip, *face.box, *face.image] for face in faces if face.clip in used))
    if onsets:
        facts.append(sorted([sample.id, onset] for sample, onset in zip(table.samples, onsets, strict=True)))
    if table.drawn:
        facts.append("drawn")
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
