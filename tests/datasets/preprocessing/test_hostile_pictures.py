"""Tests of images and videos that are damaged or state a wrong size: pixels, or the reason for failure."""

import struct
import zlib
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.casme2.video_length import read_video_lengths
from datasets.io.containers import MAX_PIXELS
from datasets.io.image_headers import read_image_size
from datasets.io.image_reader import ImageReader, read_image
from datasets.sheets.clip_files import ClipFiles
from datasets.spec import ImageRef
from tests.hostile import bounded, cases, clear, damaged, folder

pytestmark = pytest.mark.slow

NOISE = np.random.default_rng(0).integers(0, 256, size=(40, 30, 3), dtype=np.uint8)
IMAGE_SUFFIXES = (".png", ".jpg", ".bmp", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm")


def encoded(suffix: str) -> bytes:
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 5] if suffix == ".tiff" else []
    return cv2.imencode(suffix, NOISE[..., 0] if suffix in (".pgm", ".pbm") else NOISE, options)[1].tobytes()


def film(frames: int = 6) -> bytes:
    with folder() as root:
        writer = cv2.VideoWriter(str(root / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 200, (64, 48))
        for shade in range(frames):
            writer.write(np.full((48, 64, 3), 20 * shade, dtype=np.uint8))
        writer.release()
        return (root / "a.avi").read_bytes()


WHOLE = {suffix: encoded(suffix) for suffix in IMAGE_SUFFIXES}
ALPHA = cv2.imencode(".png", np.dstack([NOISE, NOISE[..., 0]]))[1].tobytes()
FILM = film()


def check(data: bytes, suffix: str = ".png"):
    """Return the decoded image, or the reason why the bytes cannot be decoded."""
    with folder() as root:
        path = root / f"a{suffix}"
        path.write_bytes(data)
        with bounded():
            found = read_image(ImageRef(str(path)))
    assert (found.image is None) == bool(found.fault)
    if found.image is None:
        clear(found.fault)
    else:
        assert found.image.dtype == np.uint8
        assert found.image.ndim == 3
        assert found.image.shape[2] == 3
        assert 0 < found.image.shape[0] * found.image.shape[1] <= MAX_PIXELS
    return found


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_every_form_that_is_read_is_read(suffix):
    assert read_image_size(WHOLE[suffix]) == (30, 40)
    assert check(WHOLE[suffix], suffix).image is not None


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
@cases(150)
@given(data=st.data())
def test_a_damaged_picture_is_one_or_says_why_not(suffix, data):
    check(data.draw(damaged(WHOLE[suffix])), suffix)


@cases(100)
@given(data=st.data())
def test_a_damaged_picture_with_alpha_is_one_or_says_why_not(data):
    check(data.draw(damaged(ALPHA)))


@cases(150)
@given(suffix=st.sampled_from(IMAGE_SUFFIXES), more=st.binary(max_size=300), kept=st.integers(0, 40))
def test_any_bytes_after_the_beginning_of_a_form_are_one_or_say_why_not(suffix, more, kept):
    check(WHOLE[suffix][:kept] + more)


def chunks(*parts: tuple[bytes, bytes], length: int | None = None) -> bytes:
    """Return a PNG of these chunks; the first one after the header states a length of `length` bytes."""
    data = b"\x89PNG\r\n\x1a\n"
    for place, (kind, body) in enumerate(parts):
        told = length if length is not None and place == 1 else len(body)
        data += struct.pack(">I", told) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
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
    data = WHOLE[".jpg"]
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
def test_a_picture_that_announces_a_giant_is_refused_by_its_size(kind):
    with bounded():
        assert "at most 64 megapixels are read" in check(GIANTS[kind]).fault


@cache
def packed_zeros() -> bytes:
    return zlib.compress(bytes(200_000_000))


BOMBS = {
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
def test_a_bomb_does_not_go_off(kind):
    check(BOMBS[kind]())


def frames_of(data: bytes, name: str = "a.avi") -> list[bool]:
    """Return for frames 1 to 8 whether each can be read; a video that cannot be opened must give a reason."""
    with folder() as root:
        path = root / name
        path.write_bytes(data)
        with bounded(), ImageReader() as reader:
            take = read_video_lengths({("sub01", "a"): ClipFiles(video_path=str(path))})["sub01", "a"]
            assert bool(take.num_frames) != bool(take.fault)
            found = [reader.read(ImageRef(str(path), item)) for item in range(8)]
    for frame in found:
        assert (frame.image is None) == bool(frame.fault)
        assert frame.fault.isprintable()
    return [frame.image is not None for frame in found]


@cases(120)
@given(data=st.data())
def test_a_damaged_film_is_one_or_says_why_not(data):
    frames_of(data.draw(damaged(FILM)))


def test_a_film_of_giant_frames_is_none():
    frames_of(FILM.replace(struct.pack("<II", 64, 48), struct.pack("<II", 30_000, 30_000)))
    large = FILM.replace(struct.pack(">HH", 48, 64), struct.pack(">HH", 30_000, 30_000))
    assert not any(frames_of(large))


@pytest.mark.parametrize(
    "data", [b"#EXTM3U\n/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b""]
)
def test_a_text_is_no_film_under_any_name(data):
    for name in ("a.avi", "a.mp4", "a.m3u8"):
        assert not any(frames_of(data, name))
