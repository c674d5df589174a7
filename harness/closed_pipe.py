"""Output that nobody reads (`harness ... | head`) is dropped, and ends no command and no cell."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def ignore_closed_pipes() -> None:
    """Have this process write to `sys.stdout` and `sys.stderr` without ever raising BrokenPipeError."""
    sys.stdout, sys.stderr = suppress_broken_pipe(sys.stdout), suppress_broken_pipe(sys.stderr)


def suppress_broken_pipe(stream: TextIO) -> TextIO:
    """Return a text stream that writes to the file descriptor of `stream` and drops what nobody reads.

    A terminal, a closed stream (None) and a stream that Python did not open itself (a notebook's, or that of
    a test) are returned as they are.
    """
    if type(stream) is not io.TextIOWrapper or stream.isatty():
        return stream
    stream.flush()
    raw_stream = _Pipe(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        # As with `python -u`, a stream that writes through has no buffer of bytes.
        raw_stream if stream.write_through else io.BufferedWriter(raw_stream),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Pipe(io.FileIO):
    """A file descriptor that leads to `os.devnull` once the reader of its pipe has closed it."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            # The descriptor and not only this stream: libraries and child processes write to it too.
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, self.fileno())
            os.close(devnull)
            return super().write(data)
