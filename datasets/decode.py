"""One image file to one square of pixels, or to the reason why not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

# First bytes of a format, the marker its picture starts with, and the one that must follow.
_WHOLE = ((b"\xff\xd8", b"\xff\xda", b"\xff\xd9"), (b"\x89PNG", b"IDAT", b"IEND"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """`digest` is of the file's bytes; `image` is uint8 (3, size, size), RGB, or None because of `fault`."""

    digest: str
    image: NDArray[np.uint8] | None
    fault: str = ""


def decode(path: str, size: int) -> Decoded:
    """Read an image file and resize it to `size` pixels a side; its aspect ratio is not kept.

    Raises:
        OSError: the file cannot be read at all.
    """
    data = Path(path).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if not data:
        return Decoded(digest=digest, image=None, fault="the file is empty")
    if _truncated(data):
        return Decoded(digest=digest, image=None, fault=f"the file is cut off after {len(data)} bytes")
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        return Decoded(digest=digest, image=None, fault="the file is no image that OpenCV reads")
    square = cv2.resize(found, (size, size), interpolation=cv2.INTER_AREA)
    rgb = cv2.cvtColor(square, cv2.COLOR_BGR2RGB)
    return Decoded(digest=digest, image=np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.uint8))


def _truncated(data: bytes) -> bool:
    """Whether a JPEG or PNG ends within its picture, which some releases of OpenCV decode without a word.

    Neither marker can occur by chance within a JPEG's picture, where every FF is followed by a zero.
    """
    return any(data.startswith(magic) and data.rfind(end) < data.rfind(start) for magic, start, end in _WHOLE)
