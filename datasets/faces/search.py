"""The search for faces: every clip's pictures on all cores, kept in the cache clip by clip."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any

from datasets.faces.boxes import SOURCES, settled, units
from datasets.faces.boxes import Face as Face
from datasets.faces.boxes import failure_rates as failure_rates
from datasets.faces.haar import CASCADES, LEAST_SHARE, NEIGHBOURS, SCALE_FACTOR, Detector, check_cascades
from datasets.pixels.decode import Decoded, Reader
from datasets.pixels.journal import DAMAGED, Journal
from datasets.pixels.store import cache_dir, content_key, cores, made_once, silent, write_whole
from datasets.spec import Picture, Sample, SampleTable

VERSION = 2

Clips = Mapping[str, Sequence[Sample]]
_Found = dict[str, Any]


def find_faces(table: SampleTable, *, progress: Callable[[int, int], None] | None = None) -> tuple[Face, ...]:
    """The face of every clip, in the order of the table's clips, detected unless the cache has it.

    `progress` is called with (clips done, clips in all) while detecting, which takes all cores, and begins
    at what an interrupted search had done.

    Raises:
        ValueError: OpenCV's cascades are not installed.
        OSError: a file has gone or cannot be read, or the cache cannot be written.
    """
    clips = units(table)
    place = _place(clips)
    tell = silent if progress is None else progress
    made_once(
        place,
        ready=lambda: _recorded(place, clips) is not None,
        make=lambda: _search(clips, place, tell),
        waited=lambda: tell(len(clips), len(clips)),
    )
    faces = _recorded(place, clips)
    assert faces is not None
    return settled(faces)


def known_faces(table: SampleTable) -> tuple[Face, ...] | None:
    """The faces if the cache has them all, else None; no picture is opened.

    Raises:
        OSError: a file has gone.
    """
    clips = units(table)
    faces = _recorded(_place(clips), clips)
    return None if faces is None else settled(faces)


def _place(clips: Clips) -> Path:
    samples = [sample for clip in clips.values() for sample in clip]
    recipe = [VERSION, CASCADES, SCALE_FACTOR, NEIGHBOURS, LEAST_SHARE]
    names = [[name, len(clip), [sample.role for sample in clip]] for name, clip in clips.items()]
    return cache_dir() / "faces" / f"{content_key([*recipe, names], samples, onsets=True)}.json"


def _recorded(place: Path, clips: Clips) -> tuple[Face, ...] | None:
    """The faces in the cache; None where there is no record, or none that can be read."""
    try:
        found = json.loads(place.read_bytes())
        return tuple(
            _face(name, samples[0], entry)
            for (name, samples), entry in zip(clips.items(), found, strict=True)
        )
    except (FileNotFoundError, *DAMAGED):
        return None


def _face(name: str, sample: Sample, found: _Found) -> Face:
    """A face from what detection found.

    Raises:
        One of `DAMAGED`: the record is not one that detection writes.
    """
    left, top, side = map(int, found["box"])
    width, height = map(int, found["image"])
    if found["source"] not in ("", *SOURCES):
        raise ValueError("unknown source")
    if min(left, top, side, width - left - side, height - top - side) < 0 or (found["cascade"] and not side):
        raise ValueError("a box that is not in its image")
    if found["source"] != "unreadable" and not (width and height):
        raise ValueError("an image without a size")
    return Face(
        clip=name,
        subject=sample.subject,
        label=sample.label,
        cascade=str(found["cascade"]),
        box=(left, top, side),
        image=(width, height),
        source=found["source"],
        fault=str(found["fault"]),
    )


def _search(clips: Clips, place: Path, progress: Callable[[int, int], None]) -> None:
    """Detect what the journal does not have yet and write the record."""
    check_cascades()
    names = list(clips)
    journal = Journal(place)
    try:
        for entry, name in zip(journal.entries, names[: len(journal.entries)], strict=True):
            _face(name, clips[name][0], entry)
    except DAMAGED:
        journal.forget()
    progress(len(journal.entries), len(names))
    own = local()

    def detect(name: str) -> _Found:
        if not hasattr(own, "detector"):
            own.detector = Detector()
        return _detect(clips[name], own.detector)

    with journal:
        pool = ThreadPoolExecutor(cores())
        try:
            for found in pool.map(detect, names[len(journal.entries) :]):
                journal.add(found)
                progress(len(journal.entries), len(names))
        finally:
            pool.shutdown(cancel_futures=True)
        write_whole(place, json.dumps(journal.entries).encode())


def _detect(clip: Sequence[Sample], detector: Detector) -> _Found:
    """The box on the first picture that has one, in the order of `_candidates`."""
    size, fault = (0, 0), ""
    likely, rest = _candidates(clip)
    with Reader() as reader:
        for at, picture in enumerate((*likely, *rest)):
            # The rest could only tell the size of the images.
            if at >= len(likely) and size != (0, 0):
                break
            read = _read(reader, picture, sample=picture != clip[0].onset)
            fault = read.fault if at == 0 else fault
            image = read.image
            if image is None:
                continue
            here = (image.shape[1], image.shape[0])
            if found := detector.find(image):
                source = "onset" if at == 0 else "other frame"
                return {
                    "cascade": found[0],
                    "box": found[1],
                    "image": here,
                    "source": source,
                    "fault": fault,
                }
            size = here if size == (0, 0) else size
    source = "" if size != (0, 0) else "unreadable"
    return {"cascade": "", "box": (0, 0, 0), "image": size, "source": source, "fault": fault}


def _candidates(clip: Sequence[Sample]) -> tuple[list[Picture], list[Picture]]:
    """The pictures that are searched for a face, the onset first, and the clip's others."""
    first = clip[0].onset or clip[0].picture
    apexes = [sample.picture for sample in clip if sample.role == "apex"]
    likely = [first, *apexes, clip[len(clip) // 2].picture, clip[-1].picture]
    rest = [sample.picture for sample in clip]
    return list(dict.fromkeys(likely)), [picture for picture in dict.fromkeys(rest) if picture not in likely]


def _read(reader: Reader, picture: Picture, *, sample: bool) -> Decoded:
    """A picture; an onset that is not there is one that cannot be read, as its key says."""
    try:
        return reader.read(picture)
    except (FileNotFoundError, NotADirectoryError):
        if sample:
            raise
        return Decoded(digest="", image=None, fault="the file is not there")
