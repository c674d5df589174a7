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

from datasets.hdf5 import own

MOST_PIXELS = 64_000_000
"""Pictures of more pixels are refused: ten times what any camera of the field gives, 200 MB in memory."""

SIDE = 48
"""Pixels a side of a picture that a .csv spells out."""

Image = NDArray[np.uint8]


def too_large(width: int, height: int) -> str:
    """The fault of a picture of more than `MOST_PIXELS`, or ""."""
    if width * height <= MOST_PIXELS:
        return ""
    return f"the picture has {width} x {height} pixels; at most {MOST_PIXELS // 10**6} megapixels are read"


class Container(Protocol):
    """An open file of pictures, for one thread at a time."""

    def image(self, item: int) -> Image | str:
        """Picture `item`, or why it cannot be had."""

    def close(self) -> None:
        """Let the file go."""


def opened(path: str) -> Container:
    """The container at `path`, by its suffix; whatever is neither .h5 nor .csv must be a recording, an AVI.

    FFmpeg is given nothing else: it would take a text for a playlist of further files.

    Raises:
        OSError: the file cannot be read at all.
    """
    with open(path, "rb") as file:
        start = file.read(12)
    suffix = Path(path).suffix.lower()
    if suffix in (".h5", ".hdf5"):
        return _Packed(path)
    if suffix == ".csv":
        return _Text(path)
    return _Recording(path, damaged=not (start[:4] == b"RIFF" and start[8:] == b"AVI "))


class _Recording:
    """A film, read forwards: asking for an earlier frame than the last begins anew."""

    def __init__(self, path: str, *, damaged: bool) -> None:
        self._path = path
        self._film = None if damaged else cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        self._at = -1
        self._image: Image | str = ""

    def image(self, item: int) -> Image | str:
        if self._film is None or not self._film.isOpened():
            return "the file is no recording that OpenCV reads"
        width, height = (self._film.get(p) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if fault := too_large(int(width), int(height)):
            return fault
        if item < self._at:
            self._film.release()
            self._film = cv2.VideoCapture(self._path, cv2.CAP_FFMPEG)
            self._at = -1
        if item == self._at:
            return self._image
        while self._at < item:
            if not self._film.grab():
                return f"the recording ends after {self._at + 1} frames; frame {item + 1} was asked for"
            self._at += 1
        whole, image = self._film.retrieve()
        self._image = np.asarray(image, dtype=np.uint8) if whole else f"frame {item + 1} cannot be decoded"
        return self._image

    def close(self) -> None:
        if self._film is not None:
            self._film.release()


class _Packed:
    """The data set `data_pixel`, uint8 (N, H, W), of an HDF5 file."""

    def __init__(self, path: str) -> None:
        self._file = self._pixels = None
        try:
            self._file = h5py.File(path, "r", locking=False)
            self._fault = own(self._file, "data_pixel")
            if not self._fault:
                self._pixels = self._file["data_pixel"]
                self._fault = self._unlike(self._pixels)
        except Exception:
            # A damaged file makes h5py stumble in whatever it was about to do.
            self._fault = "the file is no HDF5 that can be read"

    @staticmethod
    def _unlike(pixels: h5py.Dataset) -> str:
        if pixels.ndim != 3 or pixels.dtype != np.uint8:
            return f"data_pixel is {pixels.dtype} {pixels.shape}; uint8 (pictures, height, width) is expected"
        return too_large(pixels.shape[2], pixels.shape[1])

    def image(self, item: int) -> Image | str:
        if self._fault or self._pixels is None:
            return self._fault
        if item >= len(self._pixels):
            return f"data_pixel has {len(self._pixels)} pictures; number {item + 1} was asked for"
        try:
            return np.asarray(self._pixels[item], dtype=np.uint8)
        except Exception:
            return f"picture {item + 1} of data_pixel cannot be read"

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Text:
    """The column `pixels` of a .csv: 48 x 48 numbers from 0 to 255 in each row."""

    def __init__(self, path: str) -> None:
        state = os.stat(path)
        with _PARSING:
            self._rows = _parsed(path, state.st_size, state.st_mtime_ns)

    def image(self, item: int) -> Image | str:
        if isinstance(self._rows, str):
            return self._rows
        if item >= len(self._rows):
            return f"the file has {len(self._rows)} rows; row {item + 1} was asked for"
        return self._rows[item]

    def close(self) -> None:
        pass


_PARSING = Lock()


# Every row must be passed to reach the last, so the last file's are kept: 2 MB for ckextended.csv.
@lru_cache(maxsize=1)
def _parsed(path: str, size: int, changed: int) -> tuple[Image | str, ...] | str:
    """All rows of the file as it is, of `size` bytes and last `changed` then, or why there are none."""
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            rows = csv.reader(file)
            header = [name.strip().lower() for name in next(rows, [])]
            if "pixels" not in header:
                return "the file has no column pixels"
            column = header.index("pixels")
            return tuple(_square(row[column] if column < len(row) else "") for row in rows if row)
    except csv.Error as error:
        return f"the file is no CSV that can be read: {error}"


def _square(text: str) -> Image | str:
    """The picture that one cell spells out."""
    try:
        values = np.array([int(word) for word in text.split()], dtype=np.int64)
    except (ValueError, OverflowError):
        return "its pixels are not all whole numbers"
    if len(values) != SIDE * SIDE:
        return f"it has {len(values)} pixels; {SIDE} x {SIDE} are expected"
    if values.min() < 0 or values.max() > 255:
        return "its pixels are not all from 0 to 255"
    return values.astype(np.uint8).reshape(SIDE, SIDE)
