"""Writing of a cache file of pixels and its record, resumable after being killed at any time.

The file grows under a hidden name, next to a journal of its contents, and gets its final name when complete.
The record is written last and marks the file as complete.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.io.cache_files import atomic_write, build_once, count_cores
from datasets.io.journal import RECORD_ERRORS, Journal, JournalEntry
from datasets.preprocessing.jobs import PreprocessJob, PreprocessResult, run_job, split_into_spans


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRecord:
    """The results of consecutive rows, as in `PreprocessResult`, without the images."""

    digests: tuple[str, ...] = ()
    onsets: tuple[str, ...] = ()
    faults: tuple[tuple[int, str, str], ...] = ()

    @property
    def image_count(self) -> int:
        """Number of rows without a fault, each with an image in the cache file."""
        return len(self.digests) - len(self.faults)


def load_or_build_record(job: PreprocessJob, path: Path, progress: Callable[[int, int], None]) -> CacheRecord:
    """Return the record of the cache file at `path`; build the file first if it is missing.

    Raises:
        OSError: an image file is missing, or the cache cannot be written.
    """
    build_once(
        path,
        is_ready=lambda: _load_record(path, job) is not None,
        build=lambda: _build_cache_file(job, path, progress),
        on_skip=lambda: progress(len(job.samples), len(job.samples)),
    )
    record = _load_record(path, job)
    assert record is not None
    return record


def _load_record(path: Path, job: PreprocessJob) -> CacheRecord | None:
    """Return the record of a complete cache file, or None if the record is unreadable or the file differs."""
    try:
        record = _parse_record(json.loads(path.with_suffix(".json").read_bytes()), job)
        file_size = path.stat().st_size
    except (FileNotFoundError, *RECORD_ERRORS):
        return None
    is_complete = (
        len(record.digests) == len(job.samples) and file_size == record.image_count * job.image_bytes
    )
    return record if is_complete else None


def _parse_record(data: Any, job: PreprocessJob) -> CacheRecord:
    """Parse a record from JSON.

    Raises:
        One of `RECORD_ERRORS`: `job` cannot have written this record.
    """
    record = CacheRecord(
        digests=tuple(map(str, data["digests"])),
        onsets=tuple(map(str, data["onsets"])),
        faults=tuple((int(row), str(code), str(message)) for row, code, message in data["faults"]),
    )
    faulty_rows = {row for row, _, _ in record.faults}
    onset_count = len(record.digests) if job.representation != "frame" else 0
    if len(record.onsets) != onset_count or not faulty_rows <= set(range(len(record.digests))):
        raise ValueError("rows do not agree")
    return record


def _build_cache_file(job: PreprocessJob, path: Path, progress: Callable[[int, int], None]) -> None:
    """Preprocess the rows missing from the journal, in the table's order, and write the record."""
    journal = Journal(path)
    record = _merge_entries(journal.entries, job)
    if record is None:
        journal.reset()
        record = CacheRecord()
    progress(len(record.digests), len(job.samples))
    with journal:
        for result in _run_jobs(job, split_into_spans(job.samples, len(record.digests))):
            chunk = CacheRecord(digests=result.digests, onsets=result.onsets, faults=result.faults)
            journal.append(asdict(chunk), result.images.reshape(-1).view(np.uint8).data)
            record = _append_chunk(record, chunk)
            progress(len(record.digests), len(job.samples))
        journal.finalize()
        atomic_write(path.with_suffix(".json"), json.dumps(asdict(record)).encode())


def _merge_entries(entries: Sequence[JournalEntry], job: PreprocessJob) -> CacheRecord | None:
    """Merge the journal entries of an interrupted run; return None if they do not belong to `job`."""
    record = CacheRecord()
    try:
        for entry in entries:
            record = _append_chunk(record, _parse_record(entry, job))
            if entry["end"] != record.image_count * job.image_bytes or len(record.digests) > len(job.samples):
                return None
    except RECORD_ERRORS:
        return None
    return record


def _append_chunk(record: CacheRecord, chunk: CacheRecord) -> CacheRecord:
    """Append `chunk` to `record`. Row numbers of the chunk's faults count from the chunk's first row."""
    offset = len(record.digests)
    return CacheRecord(
        digests=record.digests + chunk.digests,
        onsets=record.onsets + chunk.onsets,
        faults=record.faults + tuple((offset + row, code, message) for row, code, message in chunk.faults),
    )


def _run_jobs(job: PreprocessJob, spans: Sequence[tuple[int, int]]) -> Iterator[PreprocessResult]:
    """Yield the results of all spans in order, computed on all cores.

    At most two jobs per core are queued, because finished images stay in memory until they are yielded.
    """
    pool = ThreadPoolExecutor(count_cores())
    futures: deque[Future[PreprocessResult]] = deque()
    try:
        for span in spans:
            futures.append(pool.submit(run_job, job.slice_rows(*span)))
            if len(futures) > 2 * count_cores():
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
