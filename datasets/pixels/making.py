"""Making a file of pixels and its record, so that being killed at any instant costs a few units of work.

The file grows hidden, beside a journal of what is in it, and gets its name when it is whole. The record,
written last, says that it is.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datasets.pixels.journal import DAMAGED, Entry, Journal
from datasets.pixels.store import cores, made_once, write_whole
from datasets.pixels.units import Made, Work, make, units


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was found in a run of rows: as in `Made`, without the images."""

    digests: tuple[str, ...] = ()
    onsets: tuple[str, ...] = ()
    faults: tuple[tuple[int, str, str], ...] = ()

    def bytes(self, size: int) -> int:
        """Length of the images of the rows that were made."""
        return (len(self.digests) - len(self.faults)) * 3 * size * size


def record_of(work: Work, place: Path, progress: Callable[[int, int], None]) -> Record:
    """The record of the whole file of pixels at `place`, which is made unless it is there.

    Raises:
        OSError: an image file has gone, or the cache cannot be written.
    """
    made_once(
        place,
        ready=lambda: _recorded(place, work) is not None,
        make=lambda: _make(work, place, progress),
        waited=lambda: progress(len(work.samples), len(work.samples)),
    )
    record = _recorded(place, work)
    assert record is not None
    return record


def _recorded(place: Path, work: Work) -> Record | None:
    """The record of a whole cache file; None where there is none to be read or the file is not as it says."""
    try:
        record = _read(json.loads(place.with_suffix(".json").read_bytes()), work)
        length = place.stat().st_size
    except (FileNotFoundError, *DAMAGED):
        return None
    whole = len(record.digests) == len(work.samples) and length == record.bytes(work.size)
    return record if whole else None


def _read(found: Any, work: Work) -> Record:
    """A record from JSON.

    Raises:
        One of `DAMAGED`: it is none that such work writes.
    """
    record = Record(
        digests=tuple(map(str, found["digests"])),
        onsets=tuple(map(str, found["onsets"])),
        faults=tuple((int(row), str(code), str(what)) for row, code, what in found["faults"]),
    )
    faulty = {row for row, _, _ in record.faults}
    onsets = len(record.digests) if work.representation != "frame" else 0
    if len(record.onsets) != onsets or not faulty <= set(range(len(record.digests))):
        raise ValueError("rows do not agree")
    return record


def _make(work: Work, place: Path, progress: Callable[[int, int], None]) -> None:
    """Make what the journal does not have yet, in the table's order, and leave the record beside it."""
    journal = Journal(place)
    record = _resumed(journal.entries, work)
    if record is None:
        journal.forget()
        record = Record()
    progress(len(record.digests), len(work.samples))
    with journal:
        for made in _all_made(work, units(work.samples, len(record.digests))):
            step = Record(digests=made.digests, onsets=made.onsets, faults=made.faults)
            journal.add(asdict(step), made.images.reshape(-1).data)
            record = _joined(record, step)
            progress(len(record.digests), len(work.samples))
        journal.name()
        write_whole(place.with_suffix(".json"), json.dumps(asdict(record)).encode())


def _resumed(entries: Sequence[Entry], work: Work) -> Record | None:
    """The steps of an interrupted run as one; None where they cannot be of this work."""
    record = Record()
    try:
        for entry in entries:
            record = _joined(record, _read(entry, work))
            if entry["end"] != record.bytes(work.size) or len(record.digests) > len(work.samples):
                return None
    except DAMAGED:
        return None
    return record


def _joined(record: Record, step: Record) -> Record:
    """Two runs of rows as one; the second's rows are counted from its own first."""
    first = len(record.digests)
    return Record(
        digests=record.digests + step.digests,
        onsets=record.onsets + step.onsets,
        faults=record.faults + tuple((first + row, code, what) for row, code, what in step.faults),
    )


def _all_made(work: Work, spans: Sequence[tuple[int, int]]) -> Iterator[Made]:
    """The units of work in order, made on all cores; few are ahead, or images would pile up in memory."""
    pool = ThreadPoolExecutor(cores())
    ahead: deque[Future[Made]] = deque()
    try:
        for span in spans:
            ahead.append(pool.submit(make, work.rows(*span)))
            if len(ahead) > 2 * cores():
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
