"""Tests of images and videos that are damaged or state a wrong size: pixels, or the reason for failure."""

import struct
import zlib
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.casme2.video_length import read_video_lengths
from datasets.io.containers import MAX_PIXELS
from datasets.io.image_headers import read_image_size
from datasets.io.image_reader import DecodedImage, ImageReader, read_image
from datasets.sheets.clip_files import ClipFiles
from datasets.spec import ImageRef
from tests.hostile import assert_bounded, assert_is_clear, case_settings, damaged_bytes, temporary_folder

pytestmark = pytest.mark.slow

NOISE = np.random.default_rng(0).integers(0, 256, size=(40, 30, 3), dtype=np.uint8)
IMAGE_SUFFIXES = (".png", ".jpg", ".bmp", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm")


def encode(suffix: str) -> bytes:
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 5] if suffix == ".tiff" else []
    return cv2.imencode(suffix, NOISE[..., 0] if suffix in (".pgm", ".pbm") else NOISE, options)[1].tobytes()


def make_video(frames: int = 6) -> bytes:
    with temporary_folder() as root:
        writer = cv2.VideoWriter(str(root / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 200, (64, 48))
        for shade in range(frames):
            writer.write(np.full((48, 64, 3), 20 * shade, dtype=np.uint8))
        writer.release()
        return (root / "a.avi").read_bytes()


VALID = {suffix: encode(suffix) for suffix in IMAGE_SUFFIXES}
ALPHA = cv2.imencode(".png", np.dstack([NOISE, NOISE[..., 0]]))[1].tobytes()
VIDEO = make_video()


def check(data: bytes, suffix: str = ".png") -> DecodedImage:
    """Return the decoded image, or the reason why the bytes cannot be decoded."""
    with temporary_folder() as root:
        path = root / f"a{suffix}"
        path.write_bytes(data)
        with assert_bounded():
            decoded = read_image(ImageRef(str(path)))
    assert (decoded.image is None) == bool(decoded.fault)
    if decoded.image is None:
        assert_is_clear(decoded.fault)
    else:
        assert decoded.image.dtype == np.uint8
        assert decoded.image.ndim == 3
        assert decoded.image.shape[2] == 3
        assert 0 < decoded.image.shape[0] * decoded.image.shape[1] <= MAX_PIXELS
    return decoded


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_supported_formats_are_read(suffix: str) -> None:
    assert read_image_size(VALID[suffix]) == (30, 40)
    assert check(VALID[suffix], suffix).image is not None


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
@case_settings(150)
@given(data=st.data())
def test_damaged_image_is_read_or_refused(suffix: str, data: st.DataObject) -> None:
    check(data.draw(damaged_bytes(VALID[suffix])), suffix)


@case_settings(100)
@given(data=st.data())
def test_damaged_image_with_alpha_is_read_or_refused(data: st.DataObject) -> None:
    check(data.draw(damaged_bytes(ALPHA)))


@case_settings(150)
@given(suffix=st.sampled_from(IMAGE_SUFFIXES), more=st.binary(max_size=300), size=st.integers(0, 40))
def test_any_bytes_after_a_valid_header_are_read_or_refused(suffix: str, more: bytes, size: int) -> None:
    check(VALID[suffix][:size] + more)


def chunks(*parts: tuple[bytes, bytes], length: int | None = None) -> bytes:
    """Return a PNG of these chunks; the first one after the header states a length of `length` bytes."""
    data = b"\x89PNG\r\n\x1a\n"
    for index, (kind, body) in enumerate(parts):
        stated_length = length if length is not None and index == 1 else len(body)
        data += struct.pack(">I", stated_length) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data


def png(width: int, height: int, *parts: tuple[bytes, bytes], length: int | None = None) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return chunks(
        (b"IHDR", head), *parts, (b"IDAT", zlib.compress(b"\0" * 52)), (b"IEND", b""), length=length
    )


def tiff(*tags: tuple[int, int, int]) -> bytes:
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(104)


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + kind + struct.pack("<I", len(body)) + body


def jpeg(width: int, height: int, *, before: bytes = b"") -> bytes:
    data = VALID[".jpg"]
    at = data.find(b"\xff\xc0") + 5
    return data[:2] + before + data[2:at] + struct.pack(">HH", height, width) + data[at + 4 :]


FLAT = [(258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 4, 1), (279, 4, 16)]
GIANTS = {
    "png": png(100_000, 100_000),
    "jpeg": jpeg(60_000, 60_000),
    "jpeg after junk": jpeg(60_000, 60_000, before=b"\0junk"),
    "bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 90_000, -90_000, 1, 24, *[0] * 6),
    "bmp of the least number": b"BM"
    + struct.pack("<IHHIIiiHH", 9, 0, 0, 54, 40, -(2**31), 1, 1, 24)
    + bytes(24),
    "gif": b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + bytes(20),
    "tiff": tiff((256, 4, 100_000), (257, 4, 100_000), *FLAT),
    "tiff that says it twice": tiff((256, 4, 90_000), (256, 4, 4), (257, 4, 90_000), (257, 4, 4), *FLAT),
    "webp": webp(b"VP8X", bytes(4) + b"\xff" * 6),
    "webp without loss": webp(b"VP8L", b"\x2f" + b"\xff" * 20),
    "lossy webp": webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 16_383, 16_383) + bytes(20)),
    "ppm": b"P6 100000 100000 255\n",
    "ppm with a comment": b"P6#x\n100000#y\n 100000 255\n",
}


@pytest.mark.parametrize("kind", GIANTS)
def test_image_that_states_a_giant_size_is_refused(kind: str) -> None:
    with assert_bounded():
        assert "at most 64 megapixels are read" in check(GIANTS[kind]).fault


@cache
def packed_zeros() -> bytes:
    return zlib.compress(bytes(200_000_000))


BOMBS: dict[str, Callable[[], bytes]] = {
    "a chunk longer than the file": lambda: png(4, 4, (b"tEXt", b"a"), length=0x7FFFFFF0),
    "a picture's chunk longer than the file": lambda: png(4, 4, (b"IDAT", b"a"), length=0x7FFFFFF0),
    "a packed text": lambda: png(4, 4, (b"zTXt", b"a\0\0" + packed_zeros())),
    "a packed profile": lambda: png(4, 4, (b"iCCP", b"a\0\0" + packed_zeros())),
    "more rows than it says": lambda: png(4, 4, (b"IDAT", packed_zeros())),
    "many films": lambda: png(4, 4, (b"acTL", struct.pack(">II", 2**30, 0))),
    "tiles": lambda: tiff(
        (256, 4, 4), (257, 4, 4), *FLAT[:3], (277, 3, 1), (322, 4, 30_000), (323, 4, 30_000)
    ),
    "radiance": lambda: b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 20000 +X 20000\n" + bytes(400),
    "floats": lambda: b"PF\n15000 15000\n-1.0\n" + bytes(400),
    "jpeg 2000": lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "playlist": lambda: b"#EXTM3U\n/etc/passwd\n",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_zip_bomb_is_refused(kind: str) -> None:
    check(BOMBS[kind]())


def frames_of(data: bytes, name: str = "a.avi") -> list[bool]:
    """Return for frames 1 to 8 whether each can be read; a video that cannot be opened must give a reason."""
    with temporary_folder() as root:
        path = root / name
        path.write_bytes(data)
        with assert_bounded(), ImageReader() as reader:
            clip = read_video_lengths({("sub01", "a"): ClipFiles(video_path=str(path))})["sub01", "a"]
            assert bool(clip.num_frames) != bool(clip.fault)
            frames = [reader.read(ImageRef(str(path), item)) for item in range(8)]
    for frame in frames:
        assert (frame.image is None) == bool(frame.fault)
        assert frame.fault.isprintable()
    return [frame.image is not None for frame in frames]


@case_settings(120)
@given(data=st.data())
def test_damaged_video_is_read_or_refused(data: st.DataObject) -> None:
    frames_of(data.draw(damaged_bytes(VIDEO)))


def test_video_of_giant_frames_is_refused() -> None:
    frames_of(VIDEO.replace(struct.pack("<II", 64, 48), struct.pack("<II", 30_000, 30_000)))
    large = VIDEO.replace(struct.pack(">HH", 48, 64), struct.pack(">HH", 30_000, 30_000))
    assert not any(frames_of(large))


@pytest.mark.parametrize(
    "data", [b"#EXTM3U\n/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b""]
)
def test_text_is_never_read_as_a_video(data: bytes) -> None:
    for name in ("a.avi", "a.mp4", "a.m3u8"):
        assert not any(frames_of(data, name))
