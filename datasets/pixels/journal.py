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

Entry = dict[str, Any]

DAMAGED = (ValueError, TypeError, KeyError, ArithmeticError, RecursionError)
"""What reading a record meets where its bytes are not those that were written: then there is none."""

FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Journal:
    """Finished steps, each a JSON object on a line of its own, with the length of the data up to there.

    `entries` are the steps that an earlier, interrupted run has finished: the whole lines up to the first
    that is torn, is no object, or vouches for more data than there are.
    """

    def __init__(self, place: Path) -> None:
        self._data = place.with_name(f".{place.name}.part")
        self._lines = place.with_name(f".{place.name}.journal")
        self._place = place
        # Killed between the data's getting their name and the record's being written.
        if self._lines.exists() and place.exists() and not self._data.exists():
            os.replace(place, self._data)
        self.entries: list[Entry] = []
        self._length, self._end = 0, 0
        self._load()

    def _load(self) -> None:
        size = self._data.stat().st_size if self._data.exists() else 0
        lines = self._lines.read_bytes() if self._lines.exists() else b""
        for line in lines.splitlines(keepends=True):
            try:
                entry = json.loads(line) if line.endswith(b"\n") else None
            except DAMAGED:
                return
            if not isinstance(entry, dict):
                return
            end = entry.get("end")
            if not isinstance(end, int) or not self._end <= end <= size:
                return
            self.entries.append(entry)
            self._length, self._end = self._length + len(line), end

    def forget(self) -> None:
        """Start from nothing, whatever an earlier run has left."""
        self.entries, self._length, self._end = [], 0, 0

    def __enter__(self) -> Journal:
        """Cut both files to what the entries vouch for, and go on from there."""
        self._place.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._files = tuple(stack.enter_context(open(path, "ab")) for path in (self._data, self._lines))
            for file, length in zip(self._files, (self._end, self._length), strict=True):
                file.truncate(length)
            stack.pop_all()
        return self

    def add(self, entry: Entry, data: bytes | memoryview = b"") -> None:
        """One more finished step and its data, on the disk when this returns."""
        file, lines = self._files
        if data:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._end += len(data)
        lines.write(json.dumps({**entry, "end": self._end}).encode() + b"\n")
        lines.flush()
        os.fsync(lines.fileno())
        self.entries.append({**entry, "end": self._end})

    def name(self) -> None:
        """Give the data their name; the journal stays until `__exit__`."""
        self._close()
        os.replace(self._data, self._place)

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        """Remove the journal of whole work, all that a full disk cut off, and files without a finished step.

        Finished steps of other interrupted work stay for the next run.
        """
        full = isinstance(error, OSError) and error.errno in FULL
        # What a full disk has left unwritten fails once more when closed.
        with suppress(OSError) if error else nullcontext():
            self._close()
        if error is None or full or not self.entries:
            self._lines.unlink(missing_ok=True)
            self._data.unlink(missing_ok=True)
        if full:
            self._place.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(self._place)

    def _close(self) -> None:
        with ExitStack() as stack:
            for file in self._files:
                stack.callback(file.close)
