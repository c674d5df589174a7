"""Decoding of one image, from its own file or from a container, to pixels or a fault."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import cv2
import numpy as np

from datasets.io.containers import Image, ImageContainer, find_size_fault, open_container
from datasets.io.image_headers import find_png_end, read_image_size
from datasets.spec import ImageRef

MAX_FILE_BYTES = 2**30
"""Larger files are not read: no image of `MAX_PIXELS` pixels needs more bytes."""

# The harness reports unreadable images itself. OpenCV would also print each of them to the terminal.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_PNG_ALPHA_TYPES = (b"\4", b"\6")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedImage:
    """The result of reading an image.

    Attributes:
        digest: SHA-256 of the file's bytes, or of the image's pixels in a container, or "" if there are none.
        image: uint8 (H, W, 3) in BGR order, or None if the image cannot be read.
        fault: The reason why `image` is None, else "".
    """

    digest: str
    image: Image | None
    fault: str = ""


class ImageReader:
    """Read images one after another, and keep the last container open. Each thread needs its own reader.

    A video is decoded only once if its frames are read in ascending order.
    """

    def __init__(self) -> None:
        self._path = ""
        self._container: ImageContainer | None = None

    def __enter__(self) -> ImageReader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._container is not None:
            self._container.close()
        self._container = None

    def read(self, image_ref: ImageRef) -> DecodedImage:
        """Read an image like the function `read_image`."""
        if image_ref.frame_index < 0:
            return _decode_file(image_ref.path)
        if self._container is None or self._path != image_ref.path:
            self.__exit__()
            self._path, self._container = image_ref.path, open_container(image_ref.path)
        image_or_fault = self._container.read_image(image_ref.frame_index)
        if isinstance(image_or_fault, str):
            return DecodedImage(digest="", image=None, fault=image_or_fault)
        return DecodedImage(
            digest=hashlib.sha256(image_or_fault.tobytes()).hexdigest(),
            image=_to_three_channels(image_or_fault),
        )


def read_image(image_ref: ImageRef) -> DecodedImage:
    """Read the pixels and the digest of one image.

    Gray images get three equal channels, 16 bits per channel are reduced to the upper 8, and a PNG's alpha is
    composed onto black. An image that is larger than `datasets.io.containers.MAX_PIXELS` according to its
    header is rejected before decoding. So are formats that `datasets.io.image_headers.read_image_size` does
    not know, because their size is unknown.

    Raises:
        OSError: the file cannot be opened.
    """
    with ImageReader() as reader:
        return reader.read(image_ref)


def _decode_file(path: str) -> DecodedImage:
    with open(path, "rb", buffering=0) as file:
        if (size := os.fstat(file.fileno()).st_size) > MAX_FILE_BYTES:
            fault = f"the file has {size} bytes; at most {MAX_FILE_BYTES} are read"
            return DecodedImage(digest="", image=None, fault=fault)
        data = file.readall()
    image_or_fault = _decode_bytes(data)
    if not isinstance(image_or_fault, str):
        image_or_fault = find_size_fault(
            image_or_fault.shape[1], image_or_fault.shape[0]
        ) or _to_three_channels(image_or_fault)
    digest = hashlib.sha256(data).hexdigest()
    if isinstance(image_or_fault, str):
        return DecodedImage(digest=digest, image=None, fault=image_or_fault)
    return DecodedImage(digest=digest, image=image_or_fault)


def _decode_bytes(data: bytes) -> Image | str:
    """Decode a file with OpenCV to uint8, or return the reason why that is not possible."""
    if not data:
        return "the file is empty"
    if _is_truncated(data):
        return f"the file is cut off after {len(data)} bytes"
    header_size = read_image_size(data)
    if header_size is None:
        return "OpenCV cannot read the file as an image"
    if fault := find_size_fault(*header_size):
        return fault
    has_alpha = data.startswith(b"\x89PNG") and data[25:26] in _PNG_ALPHA_TYPES
    try:
        image = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED if has_alpha else cv2.IMREAD_COLOR
        )
    except cv2.error:
        image = None
    if image is None:
        return "OpenCV cannot read the file as an image"
    if image.dtype == np.uint16:
        image = np.asarray(image, dtype=np.uint16) >> 8
    if image.ndim == 3 and image.shape[2] == 4:
        image = (image[..., :3].astype(np.uint16) * image[..., 3:] + 127) // 255
    return np.asarray(image, dtype=np.uint8)


def _to_three_channels(image: Image) -> Image:
    """Return the image with three channels."""
    if image.ndim == 3:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def _is_truncated(data: bytes) -> bool:
    """Return True if a JPEG or PNG ends within its image data; some OpenCV releases decode it silently.

    Neither marker can occur by chance within a JPEG's image data, where a zero follows every FF.
    """
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    return data.startswith(b"\x89PNG") and b"IDAT" in data and find_png_end(data) < 0
