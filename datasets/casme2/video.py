"""How many frames a video holds, without decoding it: what its header says, and whether that can be true."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import cv2

from datasets.casme2.takes import Take, Takes

_WORKERS = 8
_FEWEST_BYTES = 8  # Each frame of an AVI has a header of eight bytes.
_FFMPEG_LOG = "OPENCV_FFMPEG_LOGLEVEL"


def opened(takes: Mapping[tuple[str, str], Take]) -> Takes:
    """The takes with the length of every video, or its fault."""
    with _silence(), ThreadPoolExecutor(_WORKERS) as pool:
        lengths = pool.map(_length, [take.video for take in takes.values()])
        return {
            key: replace(take, length=length, fault=fault)
            for (key, take), (length, fault) in zip(takes.items(), lengths, strict=True)
        }


def _length(path: str) -> tuple[int, str]:
    """Number of frames, and "" or the reason why there are none."""
    try:
        # OpenCV ends the process over a name that is no text.
        path.encode()
        with open(path, "rb") as file:
            head = file.read(12)
        size = os.stat(path).st_size
    except UnicodeError:
        return 0, "its name is no text; rename it"
    except OSError as error:
        return 0, f"it cannot be read: {error.strerror}"
    # Any other file is kept from FFmpeg, which would take a text for a playlist of further files.
    if head[:4] != b"RIFF" or head[8:] != b"AVI ":
        return 0, "the file is empty" if not size else "the file is no AVI"
    video = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    try:
        count = video.get(cv2.CAP_PROP_FRAME_COUNT) if video.isOpened() else 0.0
    finally:
        video.release()
    if not 0 < count <= size / _FEWEST_BYTES:
        return 0, f"no video that OpenCV opens, or one without frames ({size} bytes)"
    return int(count), ""


@contextmanager
def _silence() -> Iterator[None]:
    """Keep OpenCV and FFmpeg from writing of damaged files to the terminal; they are listed as anomalies."""
    level, told = cv2.utils.logging.getLogLevel(), os.environ.get(_FFMPEG_LOG)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ.setdefault(_FFMPEG_LOG, "-8")
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
        if told is None:
            del os.environ[_FFMPEG_LOG]
