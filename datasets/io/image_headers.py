"""Image sizes from file headers, without decoding.

Pillow's `Image.open` gives the same sizes, but takes 0.1 to 0.3 ms per image and rejects PNGs whose text
chunks decompress to more than 1 MiB, which OpenCV reads.
"""

from __future__ import annotations

import re
import struct

_JPEG_STANDALONE_MARKERS = {0x01, *range(0xD0, 0xD9)}
_JPEG_FRAME_MARKERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN_MARKER = 0xDA
_PNM_SEPARATOR = rb"(?:\s|#[^\r\n]*[\r\n])+"
_PNM_PATTERN = re.compile(rb"P[1-6]" + _PNM_SEPARATOR + rb"([0-9]{1,9})" + _PNM_SEPARATOR + rb"([0-9]{1,9})")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_image_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height from the header of a PNG, JPEG, BMP, GIF, TIFF, WebP, PGM, PPM or PBM file.

    Returns None if the header has no size, and for every other format.
    """
    try:
        if data.startswith(_PNG_SIGNATURE):
            width, height = struct.unpack_from(">II", data, 16)
        elif data.startswith(b"\xff\xd8"):
            return _read_jpeg_size(data)
        elif data.startswith(b"BM"):
            has_core_header = struct.unpack_from("<I", data, 14) == (12,)
            width, height = struct.unpack_from("<HH" if has_core_header else "<ii", data, 18)
        elif data.startswith(b"GIF8"):
            width, height = struct.unpack_from("<HH", data, 6)
        elif data[:4] in (b"II*\0", b"MM\0*"):
            return _read_tiff_size(data, "<" if data.startswith(b"II") else ">")
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _read_webp_size(data)
        elif match := _PNM_PATTERN.match(data):
            width, height = int(match[1]), int(match[2])
        else:
            return None
    except struct.error:
        return None
    return abs(width), abs(height)


def find_png_end(data: bytes) -> int:
    """Return the offset at which a PNG's last chunk ends, or -1 if the file is truncated before that.

    Decoders allocate the memory that a chunk declares before they notice that the bytes are missing.
    """
    position = len(_PNG_SIGNATURE)
    while position + 12 <= len(data):
        chunk_type = data[position + 4 : position + 8]
        position += 12 + int.from_bytes(data[position : position + 4], "big")
        if chunk_type == b"IEND" and position <= len(data):
            return position
    return -1


def _read_jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return the size in a JPEG's frame header, walking from segment to segment as libjpeg does.

    Bytes between two segments are skipped.
    """
    position = 2
    while (position := data.find(b"\xff", position)) >= 0 and position + 4 <= len(data):
        marker = data[position + 1]
        if marker in (0, 0xFF):
            position += 1
        elif marker == _JPEG_SCAN_MARKER:
            return None
        elif marker in _JPEG_STANDALONE_MARKERS:
            position += 2
        elif marker in _JPEG_FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        else:
            position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return None


def _read_tiff_size(data: bytes, byte_order: str) -> tuple[int, int] | None:
    """Return width (tag 256) and height (tag 257) in a TIFF's first directory."""
    (directory_offset,) = struct.unpack_from(byte_order + "I", data, 4)
    (entry_count,) = struct.unpack_from(byte_order + "H", data, directory_offset)
    tag_values: dict[int, int] = {}
    for position in range(directory_offset + 2, directory_offset + 2 + 12 * entry_count, 12):
        tag, field_type = struct.unpack_from(byte_order + "HH", data, position)
        if tag in (256, 257) and field_type in (3, 4):
            # If a tag occurs twice, decoders use the first.
            tag_values.setdefault(
                tag, *struct.unpack_from(byte_order + ("H" if field_type == 3 else "I"), data, position + 8)
            )
    return (tag_values[256], tag_values[257]) if len(tag_values) == 2 else None


def _read_webp_size(data: bytes) -> tuple[int, int] | None:
    """Return the size in the first chunk of a WebP: lossy, lossless, or the canvas of an extended file."""
    chunk_type = data[12:16]
    if chunk_type == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk_type == b"VP8L":
        (packed_size,) = struct.unpack_from("<I", data, 21)
        return (packed_size & 0x3FFF) + 1, (packed_size >> 14 & 0x3FFF) + 1
    if chunk_type == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
        return (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1
    return None
