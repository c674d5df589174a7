import struct

import cv2
import numpy as np
import pytest

from datasets.io.image_headers import read_image_size

IMAGE = np.zeros((7, 11, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff"])
def test_size_is_read_from_the_header(suffix: str) -> None:
    assert read_image_size(cv2.imencode(suffix, IMAGE)[1].tobytes()) == (11, 7)


def test_size_of_a_progressive_jpeg_with_padding() -> None:
    data = cv2.imencode(".jpg", IMAGE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert read_image_size(data[:2] + b"\xff\xff" + data[2:]) == (11, 7)


def test_gif_and_bitmap_variants_have_sizes() -> None:
    assert read_image_size(b"GIF89a" + struct.pack("<HH", 11, 7)) == (11, 7)
    assert read_image_size(b"BM" + bytes(12) + struct.pack("<IHH", 12, 11, 7)) == (11, 7)
    assert read_image_size(b"BM" + bytes(12) + struct.pack("<Iii", 40, 11, -7)) == (11, 7)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"BM",
        b"II*\0\xff\xff\xff\xff",
        b"\xff\xd8\0\0\0\0",
    ],
)
def test_data_without_size_has_none(data: bytes) -> None:
    assert read_image_size(data) is None
