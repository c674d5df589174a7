"""Work that outlives being killed: a growing file of results and a journal of the steps that are in it.

A step's data are on the disk before its line in the journal is, so whatever the journal names is there. Both
files are hidden until the work is whole.
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
"""What reading a record meets where its bytes are not those that were written: then there is none."""

DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Journal:
    """Finished steps, each a JSON object on a line of its own, with the length of the data up to there.

    `entries` are the steps that an earlier, interrupted run has finished: the whole lines up to the first
    that is torn, is no object, or vouches for more data than there are.
    """

    def __init__(self, path: Path) -> None:
        self._data_path = path.with_name(f".{path.name}.part")
        self._journal_path = path.with_name(f".{path.name}.journal")
        self._path = path
        # Killed between the data's getting their name and the record's being written.
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
        """Start from nothing, whatever an earlier run has left."""
        self.entries, self._journal_length, self._data_length = [], 0, 0

    def __enter__(self) -> Journal:
        """Cut both files to what the entries vouch for, and go on from there."""
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
        """One more finished step and its data, on the disk when this returns."""
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
        """Give the data their name; the journal stays until `__exit__`."""
        self._close()
        os.replace(self._data_path, self._path)

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        """Remove the journal of whole work, all that a full disk cut off, and files without a finished step.

        Finished steps of other interrupted work stay for the next run.
        """
        is_disk_full = isinstance(error, OSError) and error.errno in DISK_FULL_ERRNOS
        # What a full disk has left unwritten fails once more when closed.
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
