"""Files that hold many pictures: recordings (.avi), packed pixels (.h5) and pixels as text (.csv).

Each gives picture `item`, counted from 0, as uint8 (H, W) or (H, W, 3) in OpenCV's order blue, green, red,
or the reason why not as a text.
"""

from __future__ import annotations

import csv
import os
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Protocol

import cv2
import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.hdf5 import check_dataset

MAX_PIXELS = 64_000_000
"""Pictures of more pixels are refused: ten times what any camera of the field gives, 200 MB in memory."""

CSV_IMAGE_SIZE = 48
"""Pixels a side of a picture that a .csv spells out."""

Image = NDArray[np.uint8]


def find_size_fault(width: int, height: int) -> str:
    """The fault of a picture of more than `MOST_PIXELS`, or ""."""
    if width * height <= MAX_PIXELS:
        return ""
    return f"the picture has {width} x {height} pixels; at most {MAX_PIXELS // 10**6} megapixels are read"


class ImageContainer(Protocol):
    """An open file of pictures, for one thread at a time."""

    def read_image(self, frame_index: int) -> Image | str:
        """Picture `item`, or why it cannot be had."""

    def close(self) -> None:
        """Let the file go."""


def open_container(path: str) -> ImageContainer:
    """The container at `path`, by its suffix; whatever is neither .h5 nor .csv must be a recording, an AVI.

    FFmpeg is given nothing else: it would take a text for a playlist of further files.

    Raises:
        OSError: the file cannot be read at all.
    """
    with open(path, "rb") as file:
        header = file.read(12)
    suffix = Path(path).suffix.lower()
    if suffix in (".h5", ".hdf5"):
        return _Hdf5Container(path)
    if suffix == ".csv":
        return _CsvContainer(path)
    return _VideoContainer(path, is_damaged=not (header[:4] == b"RIFF" and header[8:] == b"AVI "))


class _VideoContainer:
    """A film, read forwards: asking for an earlier frame than the last begins anew."""

    def __init__(self, path: str, *, is_damaged: bool) -> None:
        self._path = path
        self._capture = None if is_damaged else cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        self._position = -1
        self._image: Image | str = ""

    def read_image(self, frame_index: int) -> Image | str:
        if self._capture is None or not self._capture.isOpened():
            return "the file is no recording that OpenCV reads"
        width, height = (
            self._capture.get(prop) for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if fault := find_size_fault(int(width), int(height)):
            return fault
        if frame_index < self._position:
            self._capture.release()
            self._capture = cv2.VideoCapture(self._path, cv2.CAP_FFMPEG)
            self._position = -1
        if frame_index == self._position:
            return self._image
        while self._position < frame_index:
            if not self._capture.grab():
                return f"the recording ends after {self._position + 1} frames; frame {frame_index + 1} was asked for"
            self._position += 1
        ok, image = self._capture.retrieve()
        self._image = (
            np.asarray(image, dtype=np.uint8) if ok else f"frame {frame_index + 1} cannot be decoded"
        )
        return self._image

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()


class _Hdf5Container:
    """The data set `data_pixel`, uint8 (N, H, W), of an HDF5 file."""

    def __init__(self, path: str) -> None:
        self._file = self._pixels = None
        try:
            self._file = h5py.File(path, "r", locking=False)
            self._fault = check_dataset(self._file, "data_pixel")
            if not self._fault:
                self._pixels = self._file["data_pixel"]
                self._fault = self._find_shape_fault(self._pixels)
        except Exception:
            # A damaged file makes h5py stumble in whatever it was about to do.
            self._fault = "the file is no HDF5 that can be read"

    @staticmethod
    def _find_shape_fault(pixels: h5py.Dataset) -> str:
        if pixels.ndim != 3 or pixels.dtype != np.uint8:
            return f"data_pixel is {pixels.dtype} {pixels.shape}; uint8 (pictures, height, width) is expected"
        return find_size_fault(pixels.shape[2], pixels.shape[1])

    def read_image(self, frame_index: int) -> Image | str:
        if self._fault or self._pixels is None:
            return self._fault
        if frame_index >= len(self._pixels):
            return f"data_pixel has {len(self._pixels)} pictures; number {frame_index + 1} was asked for"
        try:
            return np.asarray(self._pixels[frame_index], dtype=np.uint8)
        except Exception:
            return f"picture {frame_index + 1} of data_pixel cannot be read"

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _CsvContainer:
    """The column `pixels` of a .csv: 48 x 48 numbers from 0 to 255 in each row."""

    def __init__(self, path: str) -> None:
        file_stat = os.stat(path)
        with _PARSE_LOCK:
            self._rows = _parse_csv(path, file_stat.st_size, file_stat.st_mtime_ns)

    def read_image(self, frame_index: int) -> Image | str:
        if isinstance(self._rows, str):
            return self._rows
        if frame_index >= len(self._rows):
            return f"the file has {len(self._rows)} rows; row {frame_index + 1} was asked for"
        return self._rows[frame_index]

    def close(self) -> None:
        pass


_PARSE_LOCK = Lock()


# Every row must be passed to reach the last, so the last file's are kept: 2 MB for ckextended.csv.
@lru_cache(maxsize=1)
def _parse_csv(path: str, size: int, mtime_ns: int) -> tuple[Image | str, ...] | str:
    """All rows of the file as it is, of `size` bytes and last `changed` then, or why there are none."""
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            rows = csv.reader(file)
            header = [name.strip().lower() for name in next(rows, [])]
            if "pixels" not in header:
                return "the file has no column pixels"
            column = header.index("pixels")
            return tuple(_parse_pixels(row[column] if column < len(row) else "") for row in rows if row)
    except csv.Error as error:
        return f"the file is no CSV that can be read: {error}"


def _parse_pixels(text: str) -> Image | str:
    """The picture that one cell spells out."""
    try:
        values = np.array([int(number) for number in text.split()], dtype=np.int64)
    except (ValueError, OverflowError):
        return "its pixels are not all whole numbers"
    if len(values) != CSV_IMAGE_SIZE * CSV_IMAGE_SIZE:
        return f"it has {len(values)} pixels; {CSV_IMAGE_SIZE} x {CSV_IMAGE_SIZE} are expected"
    if values.min() < 0 or values.max() > 255:
        return "its pixels are not all from 0 to 255"
    return values.astype(np.uint8).reshape(CSV_IMAGE_SIZE, CSV_IMAGE_SIZE)
