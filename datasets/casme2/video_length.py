"""Read the number of frames of a video from its header, without decoding, and check its plausibility."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import cv2

from datasets.sheets.clip_files import ClipFiles, FilesByClip

_WORKERS = 8
_MIN_FRAME_BYTES = 8  # Each frame of an AVI has a header of eight bytes.
_FFMPEG_LOG_VARIABLE = "OPENCV_FFMPEG_LOGLEVEL"


def read_video_lengths(files_by_clip: Mapping[tuple[str, str], ClipFiles]) -> FilesByClip:
    """Return the clip files with the length, or the fault, of every video."""
    with _silence_decoders(), ThreadPoolExecutor(_WORKERS) as pool:
        lengths = pool.map(_read_length, [clip_files.video_path for clip_files in files_by_clip.values()])
        return {
            key: replace(clip_files, num_frames=length, fault=fault)
            for (key, clip_files), (length, fault) in zip(files_by_clip.items(), lengths, strict=True)
        }


def _read_length(path: str) -> tuple[int, str]:
    """Return the number of frames and ""; or 0 and the reason."""
    try:
        # OpenCV aborts the process if a name cannot be encoded.
        path.encode()
        with open(path, "rb") as file:
            header = file.read(12)
        size = os.stat(path).st_size
    except UnicodeError:
        return 0, "its file name cannot be encoded; rename the file"
    except OSError as error:
        return 0, f"it cannot be read: {error.strerror}"
    # Other files are not passed to FFmpeg, which would read a text file as a playlist of further files.
    if header[:4] != b"RIFF" or header[8:] != b"AVI ":
        return 0, "the file is empty" if not size else "the file is not an AVI"
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    try:
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT) if capture.isOpened() else 0.0
    finally:
        capture.release()
    if not 0 < count <= size / _MIN_FRAME_BYTES:
        return 0, f"no video that OpenCV opens, or one without frames ({size} bytes)"
    return int(count), ""


@contextmanager
def _silence_decoders() -> Iterator[None]:
    """Silence OpenCV's and FFmpeg's messages about damaged files; the anomalies list these files."""
    opencv_level, ffmpeg_level = cv2.utils.logging.getLogLevel(), os.environ.get(_FFMPEG_LOG_VARIABLE)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ.setdefault(_FFMPEG_LOG_VARIABLE, "-8")
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(opencv_level)
        if ffmpeg_level is None:
            del os.environ[_FFMPEG_LOG_VARIABLE]
