"""Resumable work: a growing data file and a journal of the finished steps in it.

The data of a step are synced to disk before its journal line, so the data of every journaled step exist. Both
files are hidden until the work is complete.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from typing import Any

JournalEntry = dict[str, Any]

RECORD_ERRORS = (ValueError, TypeError, KeyError, ArithmeticError, RecursionError)
"""Exceptions that reading a damaged record raises. Callers treat a damaged record as missing."""

DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Journal:
    """A data file and its journal, which has one JSON object per finished step.

    The key "end" of an entry is the length of the data file after that step. `entries` starts with the steps
    that an interrupted run finished: all lines before the first that is incomplete, is not a JSON object, or
    has an "end" beyond the data file.
    """

    def __init__(self, path: Path) -> None:
        self._data_path = path.with_name(f".{path.name}.part")
        self._journal_path = path.with_name(f".{path.name}.journal")
        self._path = path
        # The process was killed between `finalize` and the writing of the record.
        if self._journal_path.exists() and path.exists() and not self._data_path.exists():
            os.replace(path, self._data_path)
        self.entries: list[JournalEntry] = []
        self._journal_length, self._data_length = 0, 0
        self._load_entries()

    def _load_entries(self) -> None:
        data_size = self._data_path.stat().st_size if self._data_path.exists() else 0
        lines = self._journal_path.read_bytes() if self._journal_path.exists() else b""
        for line in lines.splitlines(keepends=True):
            try:
                entry = json.loads(line) if line.endswith(b"\n") else None
            except RECORD_ERRORS:
                return
            if not isinstance(entry, dict):
                return
            end = entry.get("end")
            if not isinstance(end, int) or not self._data_length <= end <= data_size:
                return
            self.entries.append(entry)
            self._journal_length, self._data_length = self._journal_length + len(line), end

    def reset(self) -> None:
        """Discard the steps of an earlier run."""
        self.entries, self._journal_length, self._data_length = [], 0, 0

    def __enter__(self) -> Journal:
        """Truncate both files to the end of the last valid entry, and open them for appending."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._files = tuple(
                stack.enter_context(open(path, "ab")) for path in (self._data_path, self._journal_path)
            )
            for file, length in zip(self._files, (self._data_length, self._journal_length), strict=True):
                file.truncate(length)
            stack.pop_all()
        return self

    def append(self, entry: JournalEntry, data: bytes | memoryview = b"") -> None:
        """Append a finished step and its data; both are synced to disk when this returns."""
        data_file, journal_file = self._files
        if data:
            data_file.write(data)
            data_file.flush()
            os.fsync(data_file.fileno())
        self._data_length += len(data)
        journal_file.write(json.dumps({**entry, "end": self._data_length}).encode() + b"\n")
        journal_file.flush()
        os.fsync(journal_file.fileno())
        self.entries.append({**entry, "end": self._data_length})

    def finalize(self) -> None:
        """Rename the data file to its final name. The journal stays until `__exit__`."""
        self._close()
        os.replace(self._data_path, self._path)

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        """Remove the journal on success, all files if the disk is full, and files without a finished step.

        After any other error, the finished steps stay for the next run.
        """
        is_disk_full = isinstance(error, OSError) and error.errno in DISK_FULL_ERRNOS
        # On a full disk, closing fails once more: it flushes the unwritten data.
        with suppress(OSError) if error else nullcontext():
            self._close()
        if error is None or is_disk_full or not self.entries:
            self._journal_path.unlink(missing_ok=True)
            self._data_path.unlink(missing_ok=True)
        if is_disk_full:
            self._path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(self._path)

    def _close(self) -> None:
        with ExitStack() as stack:
            for file in self._files:
                stack.callback(file.close)
