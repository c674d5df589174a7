"""Files that hold many images: videos (.avi), arrays (.h5) and pixels as text (.csv).

Each container returns image `frame_index`, counted from 0, as uint8 (H, W) or (H, W, 3) in BGR order, or a
text with the reason why it cannot.
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

from datasets.io.hdf5 import check_dataset
from datasets.text import pluralize

MAX_PIXELS = 64_000_000
"""Larger images are rejected. The limit is ten times what any camera of the field gives, 200 MB in memory."""

CSV_IMAGE_SIZE = 48
"""Width and height of the images in a .csv, in pixels."""

Image = NDArray[np.uint8]


def find_size_fault(width: int, height: int) -> str:
    """Return the fault of an image of more than `MAX_PIXELS` pixels, or ""."""
    if width * height <= MAX_PIXELS:
        return ""
    return f"the image has {width} x {height} pixels; at most {MAX_PIXELS // 10**6} megapixels are read"


class ImageContainer(Protocol):
    """An open file of images, for use by one thread at a time."""

    def read_image(self, frame_index: int) -> Image | str:
        """Return image `frame_index`, or the reason why it cannot be read."""

    def close(self) -> None:
        """Close the file."""


def open_container(path: str) -> ImageContainer:
    """Open the container at `path` by its suffix: .h5, .hdf5, .csv, or anything else as an AVI video.

    Files without an AVI header never reach FFmpeg, which would open a text file as a playlist of other files.

    Raises:
        OSError: the file cannot be opened.
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
    """A video, decoded forwards. Reading an earlier frame than the last one restarts the decoding."""

    def __init__(self, path: str, *, is_damaged: bool) -> None:
        self._path = path
        self._capture = None if is_damaged else cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        self._position = -1
        self._image: Image | str = ""

    def read_image(self, frame_index: int) -> Image | str:
        if self._capture is None or not self._capture.isOpened():
            return "OpenCV cannot read the file as a video"
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
                length = pluralize(self._position + 1, "frame")
                return f"the video has {length}; frame {frame_index + 1} was requested"
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
    """The HDF5 dataset `data_pixel`, uint8 (N, H, W)."""

    def __init__(self, path: str) -> None:
        self._file = self._pixels = None
        try:
            self._file = h5py.File(path, "r", locking=False)
            self._fault = check_dataset(self._file, "data_pixel")
            if not self._fault:
                self._pixels = self._file["data_pixel"]
                self._fault = self._find_shape_fault(self._pixels)
        except Exception:
            # h5py raises many exception types on damaged files.
            self._fault = "the file is not readable HDF5"

    @staticmethod
    def _find_shape_fault(pixels: h5py.Dataset) -> str:
        if pixels.ndim != 3 or pixels.dtype != np.uint8:
            return f"data_pixel is {pixels.dtype} {pixels.shape}; uint8 (images, height, width) is expected"
        return find_size_fault(pixels.shape[2], pixels.shape[1])

    def read_image(self, frame_index: int) -> Image | str:
        if self._fault or self._pixels is None:
            return self._fault
        if frame_index >= len(self._pixels):
            length = pluralize(len(self._pixels), "image")
            return f"data_pixel has {length}; image {frame_index + 1} was requested"
        try:
            return np.asarray(self._pixels[frame_index], dtype=np.uint8)
        except Exception:
            return f"image {frame_index + 1} of data_pixel cannot be read"

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _CsvContainer:
    """The column `pixels` of a .csv file: 48 x 48 numbers from 0 to 255 in each row."""

    def __init__(self, path: str) -> None:
        file_stat = os.stat(path)
        with _PARSE_LOCK:
            self._rows = _parse_csv(path, file_stat.st_size, file_stat.st_mtime_ns)

    def read_image(self, frame_index: int) -> Image | str:
        if isinstance(self._rows, str):
            return self._rows
        if frame_index >= len(self._rows):
            return f"the file has {pluralize(len(self._rows), 'row')}; row {frame_index + 1} was requested"
        return self._rows[frame_index]

    def close(self) -> None:
        pass


_PARSE_LOCK = Lock()


# Reading a row means parsing all rows before it, so the last file's rows are cached: 2 MB for ckextended.csv.
@lru_cache(maxsize=1)
def _parse_csv(path: str, size: int, mtime_ns: int) -> tuple[Image | str, ...] | str:
    """Return the images of all rows, or the reason why the file cannot be read.

    `size` and `mtime_ns` are part of the cache key: a changed file is parsed again.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            rows = csv.reader(file)
            header = [name.strip().lower() for name in next(rows, [])]
            if "pixels" not in header:
                return "the file has no column pixels"
            column = header.index("pixels")
            return tuple(_parse_pixels(row[column] if column < len(row) else "") for row in rows if row)
    except csv.Error as error:
        return f"the file is not readable CSV: {error}"


def _parse_pixels(text: str) -> Image | str:
    """Return the image in one cell of the column `pixels`, or its fault."""
    try:
        values = np.array([int(number) for number in text.split()], dtype=np.int64)
    except (ValueError, OverflowError):
        return "its pixels are not all whole numbers"
    if len(values) != CSV_IMAGE_SIZE * CSV_IMAGE_SIZE:
        return f"it has {len(values)} pixels; {CSV_IMAGE_SIZE} x {CSV_IMAGE_SIZE} are expected"
    if values.min() < 0 or values.max() > 255:
        return "its pixels are not all from 0 to 255"
    return values.astype(np.uint8).reshape(CSV_IMAGE_SIZE, CSV_IMAGE_SIZE)
