import hashlib
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.io.image_reader import DecodedImage, ImageReader, read_image
from datasets.spec import ImageRef


def encode(image: NDArray[np.uint16 | np.uint8], suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def decode(path: Path) -> DecodedImage:
    return read_image(ImageRef(str(path)))


def load_pixels(path: Path) -> NDArray[np.uint8]:
    """Return the BGR pixels of a readable image."""
    image = decode(path).image
    assert image is not None
    return image


NOISE = np.random.default_rng(0).integers(0, 256, size=(40, 30, 3), dtype=np.uint8)


def test_image_is_bgr_with_the_files_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(NOISE))
    decoded = decode(path)
    assert decoded.image is not None
    assert decoded.image.dtype == np.uint8
    assert np.array_equal(decoded.image, NOISE)
    assert decoded.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_grey_and_16_bit_images_become_8_bit_bgr(tmp_path: Path) -> None:
    grey = NOISE[..., 0]
    (tmp_path / "8.png").write_bytes(encode(grey))
    (tmp_path / "16.png").write_bytes(encode(grey.astype(np.uint16) * 256 + 200))
    for name in ("8.png", "16.png"):
        assert np.array_equal(load_pixels(tmp_path / name), np.dstack([grey] * 3))


@pytest.mark.parametrize("scale", [1, 257])
def test_transparent_pixels_become_black(tmp_path: Path, scale: int) -> None:
    image = np.full((2, 3, 4), 200, dtype=np.uint16) * scale
    image[:, :, 3] = np.array([255, 0, 128]) * scale
    (tmp_path / "a.png").write_bytes(encode(image.astype(np.uint8 if scale == 1 else np.uint16)))
    assert load_pixels(tmp_path / "a.png")[0, :, 1].tolist() == [200, 0, 100]


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.99, 0.5])
def test_truncated_image_is_a_fault(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str, share: float
) -> None:
    data = encode(NOISE, suffix)
    (tmp_path / "a").write_bytes(data[: int(len(data) * share)])
    decoded = decode(tmp_path / "a")
    assert decoded.image is None
    assert decoded.fault == f"the file is cut off after {int(len(data) * share)} bytes"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "is empty"),
        (b"<html>", "as an image"),
        (b"\xff\xd8\xff", "as an image"),
        (b"\x89PNG", "as an image"),
    ],
)
def test_invalid_image_is_a_fault(tmp_path: Path, data: bytes, fault: str) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    decoded = decode(tmp_path / "a.jpg")
    assert fault in decoded.fault
    assert decoded.digest == hashlib.sha256(data).hexdigest()


def test_bytes_after_the_image_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode(NOISE, ".jpg") + b"\0" * 100)
    assert decode(tmp_path / "a.jpg").image is not None


def test_wrong_suffix_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode(NOISE, ".png"))
    assert np.array_equal(load_pixels(tmp_path / "a.jpg"), NOISE)


def test_missing_file_is_an_os_error_naming_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gone"):
        decode(tmp_path / "gone.jpg")


def test_image_with_too_many_pixels_is_refused_undecoded(tmp_path: Path) -> None:
    # A PNG of a few bytes that would fill 30 GB.
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    for name, body in ((b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    (tmp_path / "a.png").write_bytes(data)
    assert decode(tmp_path / "a.png").fault == (
        "the image has 100000 x 100000 pixels; at most 64 megapixels are read"
    )


def test_large_image_without_size_header_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ppm").write_bytes(encode(NOISE, ".ppm"))
    monkeypatch.setattr("datasets.io.containers.MAX_PIXELS", 1199)
    assert "30 x 40 pixels" in decode(tmp_path / "a.ppm").fault


def test_file_of_too_many_bytes_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(encode(NOISE))
    monkeypatch.setattr("datasets.io.image_reader.MAX_FILE_BYTES", 100)
    assert "at most 100 are read" in decode(tmp_path / "a.png").fault


def test_reader_alternates_between_files_and_containers(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(NOISE))
    (tmp_path / "b.csv").write_text("emotion,pixels\n0," + " ".join(["7"] * 48 * 48) + "\n")
    (tmp_path / "c.csv").write_text("emotion,pixels\n0," + " ".join(["9"] * 48 * 48) + "\n")
    names = (("a.png", -1), ("b.csv", 0), ("c.csv", 0), ("a.png", -1), ("b.csv", 0))
    with ImageReader() as reader:
        images = [reader.read(ImageRef(str(tmp_path / name), item)).image for name, item in names]
    corners = [None if image is None else image[0, 0, 0] for image in images]
    assert corners == [
        NOISE[0, 0, 0],
        7,
        9,
        NOISE[0, 0, 0],
        7,
    ]
