"""How large a picture says it is, from the first bytes of its file: nothing is decoded."""

from __future__ import annotations

import struct

_JPEG_ALONE = {0x01, *range(0xD0, 0xD9)}
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def dimensions(data: bytes) -> tuple[int, int] | None:
    """Width and height that a PNG, JPEG, BMP, GIF or TIFF file announces; None where it does not say."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", data, 16)
        elif data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        elif data.startswith(b"BM"):
            old = struct.unpack_from("<I", data, 14) == (12,)
            width, height = struct.unpack_from("<HH" if old else "<ii", data, 18)
        elif data.startswith(b"GIF8"):
            width, height = struct.unpack_from("<HH", data, 6)
        elif data[:4] in (b"II*\0", b"MM\0*"):
            return _tiff(data, "<" if data.startswith(b"II") else ">")
        else:
            return None
    except struct.error:
        return None
    return abs(width), abs(height)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """The size in a JPEG's frame header, found by walking from segment to segment."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _tiff(data: bytes, order: str) -> tuple[int, int] | None:
    """Width (tag 256) and height (tag 257) in a TIFF's first directory."""
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    found: dict[int, int] = {}
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if tag in (256, 257) and kind in (3, 4):
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)
    return (found[256], found[257]) if len(found) == 2 else None
