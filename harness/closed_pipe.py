"""Discard output to a closed pipe (`harness ... | head`), so that it stops no command and no cell."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def ignore_closed_pipes() -> None:
    """Replace `sys.stdout` and `sys.stderr` by streams that never raise BrokenPipeError."""
    sys.stdout, sys.stderr = suppress_broken_pipe(sys.stdout), suppress_broken_pipe(sys.stderr)


def suppress_broken_pipe(stream: TextIO) -> TextIO:
    """Return a text stream on the file descriptor of `stream` that discards output to a closed pipe.

    A terminal, a closed stream (None) and a stream that Python did not open itself (in a notebook or a test)
    are returned unchanged.
    """
    if type(stream) is not io.TextIOWrapper or stream.isatty():
        return stream
    stream.flush()
    raw_stream = _Pipe(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        # A write-through stream, as under `python -u`, has no byte buffer.
        raw_stream if stream.write_through else io.BufferedWriter(raw_stream),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Pipe(io.FileIO):
    """File that redirects its descriptor to `os.devnull` after the reader has closed the pipe."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            # Redirect the descriptor, not only this stream: libraries and child processes write to it too.
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, self.fileno())
            os.close(devnull)
            return super().write(data)
