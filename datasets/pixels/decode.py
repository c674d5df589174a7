"""One picture, in a file of its own or in a container, to its pixels, or to the reason why not."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import cv2
import numpy as np

from datasets.pixels.containers import Container, Image, opened, too_large
from datasets.pixels.header import dimensions, png_end
from datasets.spec import Picture

MOST_BYTES = 2**30
"""Files of more bytes are not read: no picture of `MOST_PIXELS` needs them."""

# Pictures that cannot be read are told of by us; OpenCV would write of each to the terminal.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_PNG_WITH_ALPHA = (b"\4", b"\6")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A picture that was read.

    `digest` is the SHA-256 of the file's bytes, of the picture's pixels where it lies in a container, ""
    where there are none; `image` is uint8 (H, W, 3) in OpenCV's order blue, green, red, or None because of
    `fault`.
    """

    digest: str
    image: Image | None
    fault: str = ""


class Reader:
    """Reads pictures one after the other and keeps the last container open; each thread needs its own.

    A recording is decoded once when its pictures are asked for in their order.
    """

    def __init__(self) -> None:
        self._path = ""
        self._container: Container | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._container is not None:
            self._container.close()
        self._container = None

    def read(self, picture: Picture) -> Decoded:
        """As the function `read`."""
        if picture.item < 0:
            return _file(picture.path)
        if self._container is None or self._path != picture.path:
            self.__exit__()
            self._path, self._container = picture.path, opened(picture.path)
        found = self._container.image(picture.item)
        if isinstance(found, str):
            return Decoded(digest="", image=None, fault=found)
        return Decoded(digest=hashlib.sha256(found.tobytes()).hexdigest(), image=_coloured(found))


def read(picture: Picture) -> Decoded:
    """One picture's pixels and digest.

    Grey becomes three equal channels, 16 bits a channel become their upper 8, and what a PNG's alpha makes
    transparent shows black. Pictures above `datasets.pixels.containers.MOST_PIXELS` are refused before
    decoding, by the size that they announce, and so are formats other than those of
    `datasets.pixels.header.dimensions`, of which nothing is known before.

    Raises:
        OSError: the file cannot be read at all.
    """
    with Reader() as reader:
        return reader.read(picture)


def _file(path: str) -> Decoded:
    with open(path, "rb", buffering=0) as file:
        if (size := os.fstat(file.fileno()).st_size) > MOST_BYTES:
            fault = f"the file has {size} bytes; at most {MOST_BYTES} are read"
            return Decoded(digest="", image=None, fault=fault)
        data = file.readall()
    found = _decode(data)
    if not isinstance(found, str):
        found = too_large(found.shape[1], found.shape[0]) or _coloured(found)
    digest = hashlib.sha256(data).hexdigest()
    if isinstance(found, str):
        return Decoded(digest=digest, image=None, fault=found)
    return Decoded(digest=digest, image=found)


def _decode(data: bytes) -> Image | str:
    """A file's pixels as OpenCV gives them, uint8, or the reason why there are none."""
    if not data:
        return "the file is empty"
    if _truncated(data):
        return f"the file is cut off after {len(data)} bytes"
    announced = dimensions(data)
    if announced is None:
        return "the file is no image that OpenCV reads"
    if fault := too_large(*announced):
        return fault
    clear = data.startswith(b"\x89PNG") and data[25:26] in _PNG_WITH_ALPHA
    try:
        found = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED if clear else cv2.IMREAD_COLOR
        )
    except cv2.error:
        found = None
    if found is None:
        return "the file is no image that OpenCV reads"
    if found.dtype == np.uint16:
        found = np.asarray(found, dtype=np.uint16) >> 8
    if found.ndim == 3 and found.shape[2] == 4:
        found = (found[..., :3].astype(np.uint16) * found[..., 3:] + 127) // 255
    return np.asarray(found, dtype=np.uint8)


def _coloured(image: Image) -> Image:
    """The picture with three channels."""
    if image.ndim == 3:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def _truncated(data: bytes) -> bool:
    """Whether a JPEG or PNG ends within its picture, which some releases of OpenCV decode without a word.

    Neither marker can occur by chance within a JPEG's picture, where every FF is followed by a zero.
    """
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    return data.startswith(b"\x89PNG") and b"IDAT" in data and png_end(data) < 0
