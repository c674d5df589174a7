"""Pixels, decoded once: every image of a table at one size, in one file that is mapped and not read.

The file's name is a digest of what it was made from, so changed data never meet old pixels. It gets its name
only when it is whole; the record beside it, written last, says that it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from datasets.decode import decode
from datasets.spec import Anomaly, Sample, SampleTable

VERSION = 1
_BATCH = 256

Images = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """A table's images, row i that of `table.samples[i]`.

    `table` is the one given less its unreadable images, which are among its anomalies; `images` is uint8
    (N, 3, size, size), RGB, read-only; `fingerprint` depends on the labels and on the bytes of the image
    files, and on nothing of this machine.
    """

    table: SampleTable
    images: Images
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What decoding found, by row of the table: the files' digests, and why an image could not be read."""

    digests: list[str]
    faults: dict[int, str]


def cache_dir() -> Path:
    """Where made things are kept: HARNESS_CACHE, else the user's cache folder."""
    return Path(os.environ.get("HARNESS_CACHE") or platformdirs.user_cache_dir("harness"))


def pixels(table: SampleTable, *, size: int, progress: Callable[[int, int], None] | None = None) -> Pixels:
    """Every image of the table at `size` pixels a side, decoded unless the cache has them.

    `progress` is called with (images done, images in all) while decoding.

    Raises:
        ValueError: no image of the table can be read.
        OSError: an image file has gone, or the cache cannot be written, as on a full disk.
    """
    place = cache_dir() / "pixels" / _key(table.samples, size)
    record = _recorded(place, size=size)
    if record is None:
        record = _make(table.samples, place, size=size, progress=progress)
    kept = [row for row in range(len(table.samples)) if row not in record.faults]
    if not kept:
        raise ValueError(
            f"none of the {len(table.samples)} images of {table.dataset} can be read; copy them anew."
        )
    readable = replace(
        table,
        samples=tuple(table.samples[row] for row in kept),
        anomalies=table.anomalies
        + tuple(_unreadable(table.samples[row], why) for row, why in record.faults.items()),
    )
    return Pixels(
        table=readable,
        images=np.memmap(_images(place), dtype=np.uint8, mode="r", shape=(len(kept), 3, size, size)),
        fingerprint=_fingerprint(readable, [record.digests[row] for row in kept]),
    )


def _images(place: Path) -> Path:
    return place.with_suffix(".rgb")


def _key(samples: Sequence[Sample], size: int) -> str:
    """A digest of all that the cached pixels depend on."""
    digest = hashlib.sha256(f"{VERSION} {size}".encode())
    for sample in samples:
        state = os.stat(sample.path)
        digest.update(json.dumps([sample.id, sample.path, state.st_size, state.st_mtime_ns]).encode())
    return digest.hexdigest()[:32]


def _recorded(place: Path, *, size: int) -> _Record | None:
    """The record beside a whole cache file; None where either is missing or the file is not of its length."""
    path = place.with_suffix(".json")
    if not (path.exists() and _images(place).exists()):
        return None
    found = json.loads(path.read_text())
    record = _Record(digests=found["digests"], faults={int(row): why for row, why in found["faults"].items()})
    whole = (len(record.digests) - len(record.faults)) * 3 * size * size
    return record if _images(place).stat().st_size == whole else None


def _make(
    samples: Sequence[Sample], place: Path, *, size: int, progress: Callable[[int, int], None] | None
) -> _Record:
    """Decode every sample into the cache file at `place`, in order, and leave the record beside it."""
    record = _Record(digests=[], faults={})

    def images() -> Iterator[bytes]:
        with ThreadPoolExecutor() as pool:
            # In batches, or decoded images would pile up in memory before a slow disk.
            for start in range(0, len(samples), _BATCH):
                paths = [sample.path for sample in samples[start : start + _BATCH]]
                for row, decoded in enumerate(pool.map(decode, paths, [size] * len(paths)), start=start):
                    record.digests.append(decoded.digest)
                    if decoded.image is None:
                        record.faults[row] = decoded.fault
                    else:
                        yield decoded.image.tobytes()
                if progress is not None:
                    progress(len(record.digests), len(samples))

    _write(_images(place), images())
    _write(
        place.with_suffix(".json"),
        [json.dumps({"digests": record.digests, "faults": record.faults}).encode()],
    )
    return record


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that has its name only when it is whole; what was begun is removed on any error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, begun = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with open(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        os.replace(begun, path)
    except BaseException as error:
        Path(begun).unlink(missing_ok=True)
        # A full disk's error says nothing of where; an image's that cannot be read does.
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def _unreadable(sample: Sample, why: str) -> Anomaly:
    return Anomaly(code="unreadable image", where=sample.id, what=why, action="the frame was left out")


def _fingerprint(table: SampleTable, digests: Sequence[str]) -> str:
    """A digest of the classes and, in the order of ids, of every sample and its file's bytes."""
    lines = [
        [sample.id, sample.label, sample.subject, sample.clip, sample.frame, digest]
        for sample, digest in zip(table.samples, digests, strict=True)
    ]
    lines.sort(key=lambda line: str(line[0]))
    return hashlib.sha256(json.dumps([table.classes, lines]).encode()).hexdigest()
